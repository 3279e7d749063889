#include "checks/libcurl.h"

#include <dlfcn.h>

#include <mutex>
#include <optional>
#include <string>

namespace twobox {
namespace {

/// What <curl/curl.h> declares; another number would be another interface.
constexpr const char* kLibrary = "libcurl.so.4";

Error unavailable(const std::string& why) {
  return {ErrorKind::kUnavailable, 0, "libcurl can't be loaded: " + why};
}

Error loader_error() {
  const char* const words = ::dlerror();
  return unavailable(words == nullptr ? "no reason is given" : words);
}

template <typename Function>
bool find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  return function != nullptr;
}

Result<Libcurl> load() {
  void* const library = ::dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return loader_error();
  Libcurl curl{};
  const bool complete = find(library, "curl_global_init", curl.global_init) &&
                        find(library, "curl_slist_append", curl.slist_append) &&
                        find(library, "curl_slist_free_all", curl.slist_free_all) &&
                        find(library, "curl_easy_init", curl.easy_init) &&
                        find(library, "curl_easy_cleanup", curl.easy_cleanup) &&
                        find(library, "curl_easy_setopt", curl.easy_setopt) &&
                        find(library, "curl_easy_getinfo", curl.easy_getinfo) &&
                        find(library, "curl_easy_strerror", curl.easy_strerror) &&
                        find(library, "curl_multi_init", curl.multi_init) &&
                        find(library, "curl_multi_cleanup", curl.multi_cleanup) &&
                        find(library, "curl_multi_setopt", curl.multi_setopt) &&
                        find(library, "curl_multi_add_handle", curl.multi_add_handle) &&
                        find(library, "curl_multi_remove_handle", curl.multi_remove_handle) &&
                        find(library, "curl_multi_socket_action", curl.multi_socket_action) &&
                        find(library, "curl_multi_info_read", curl.multi_info_read);
  if (!complete) return loader_error();
  if (const CURLcode code = curl.global_init(CURL_GLOBAL_DEFAULT); code != CURLE_OK)
    return unavailable(curl.easy_strerror(code));
  return curl;
}

}  // namespace

Result<const Libcurl*> libcurl() {
  static std::mutex one_at_a_time;
  static std::optional<Libcurl> loaded;
  const std::lock_guard lock(one_at_a_time);
  if (loaded) return &*loaded;
  auto library = load();
  if (!library) return library.error();
  return &loaded.emplace(*library);
}

}  // namespace twobox
