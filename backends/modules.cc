#include "backends/modules.h"

#include <libkmod.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <system_error>

#include "backends/text_file.h"

namespace twobox {
namespace {

struct ReleaseKmod {
  void operator()(kmod_ctx* context) const noexcept { kmod_unref(context); }
  void operator()(kmod_module* module) const noexcept { kmod_module_unref(module); }
  void operator()(kmod_list* list) const noexcept { kmod_module_unref_list(list); }
};
using KmodContext = std::unique_ptr<kmod_ctx, ReleaseKmod>;
using KmodModule = std::unique_ptr<kmod_module, ReleaseKmod>;
using KmodList = std::unique_ptr<kmod_list, ReleaseKmod>;

Error unavailable(const std::string& name, int errno_value) {
  const std::string reason = errno_value == ENOENT ? "this kernel has no such module"
                                                   : std::generic_category().message(errno_value);
  return {ErrorKind::kUnavailable, errno_value,
          "load kernel module " + name + ": " + reason + "; run `modprobe " + name + "` as root"};
}

// libkmod reports its errors; its own lines on stderr would say them twice.
void ignore_log(void*, int, const char*, int, const char*, const char*, va_list) {}

// modprobe.d can replace a module by a shell command ("install ip_vs /bin/false"), often in order
// to forbid it. twobox neither runs the command nor gets round it.
int refuse_command(kmod_module*, const char*, void*) {
  return -EACCES;
}

/// Needs no /lib/modules, which containers often lack.
bool is_loaded(kmod_ctx* context, const std::string& name) {
  kmod_module* found = nullptr;
  if (kmod_module_new_from_name(context, name.c_str(), &found) < 0) return false;
  const KmodModule module(found);
  const int state = kmod_module_get_initstate(module.get());
  return state == KMOD_MODULE_LIVE || state == KMOD_MODULE_BUILTIN;
}

int insert(kmod_module* module) {
  return kmod_module_probe_insert_module(module, 0, nullptr, refuse_command, nullptr, nullptr);
}

}  // namespace

bool is_certainly_loaded(const std::string& name) {
  const auto state = read_text_file("/sys/module/" + name + "/initstate");
  return state && *state == "live\n";
}

Status load_kernel_module(const std::string& name) {
  // libkmod reads modprobe.d and the lists of modules first, which takes longer than to make a
  // service.
  if (is_certainly_loaded(name)) return success();
  const KmodContext context(kmod_new(nullptr, nullptr));
  if (!context) return unavailable(name, ENOMEM);
  kmod_set_log_fn(context.get(), ignore_log, nullptr);

  if (is_loaded(context.get(), name)) return success();

  kmod_list* found = nullptr;
  if (const int code = kmod_module_new_from_lookup(context.get(), name.c_str(), &found); code < 0)
    return unavailable(name, -code);
  const KmodList modules(found);
  if (!modules) return unavailable(name, ENOENT);

  kmod_list* entry = nullptr;
  kmod_list_foreach(entry, modules.get()) {
    const KmodModule module(kmod_module_get_module(entry));
    if (const int code = insert(module.get()); code < 0 && code != -EEXIST)
      return unavailable(name, -code);
  }
  return success();
}

Result<bool> has_kernel_module(const std::string& name, const std::string& root) {
  utsname kernel{};
  if (::uname(&kernel) != 0) return unavailable(name, errno);
  const std::string directory = root + "/lib/modules/" + kernel.release;
  const KmodContext context(kmod_new(directory.c_str(), nullptr));
  if (!context) return unavailable(name, ENOMEM);
  kmod_set_log_fn(context.get(), ignore_log, nullptr);
  if (is_loaded(context.get(), name)) return true;
  if (::access((directory + "/modules.dep.bin").c_str(), R_OK) != 0)
    return Error{ErrorKind::kUnavailable, errno,
                 name + " is not loaded, and " + directory + " has no list of modules"};

  kmod_list* found = nullptr;
  if (kmod_module_new_from_lookup(context.get(), name.c_str(), &found) < 0) return false;
  const KmodList modules(found);
  if (!modules) return false;
  const KmodModule module(kmod_module_get_module(modules.get()));
  const char* const path = kmod_module_get_path(module.get());
  return path != nullptr && ::access(path, R_OK) == 0;
}

}  // namespace twobox
