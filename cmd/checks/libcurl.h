// libcurl, loaded when it is first needed: with the thirty libraries behind it, it would be most of
// what a start costs, and a quarter of the memory of a daemon that asks nobody by HTTP.
#pragma once

#include <curl/curl.h>

#include "schema/error.h"

namespace twobox {

/// Its functions, by the names they have there without "curl_".
struct Libcurl {
  decltype(&::curl_global_init) global_init;
  decltype(&::curl_slist_append) slist_append;
  decltype(&::curl_slist_free_all) slist_free_all;
  decltype(&::curl_easy_init) easy_init;
  decltype(&::curl_easy_cleanup) easy_cleanup;
  decltype(&::curl_easy_setopt) easy_setopt;
  decltype(&::curl_easy_getinfo) easy_getinfo;
  decltype(&::curl_easy_strerror) easy_strerror;
  decltype(&::curl_multi_init) multi_init;
  decltype(&::curl_multi_cleanup) multi_cleanup;
  decltype(&::curl_multi_setopt) multi_setopt;
  decltype(&::curl_multi_add_handle) multi_add_handle;
  decltype(&::curl_multi_remove_handle) multi_remove_handle;
  decltype(&::curl_multi_socket_action) multi_socket_action;
  decltype(&::curl_multi_info_read) multi_info_read;
};

/// Loaded and set up by the first call, and never unloaded. Thread-safe. Error: kUnavailable; the
/// next call tries again, for it may have been a shortage.
Result<const Libcurl*> libcurl();

}  // namespace twobox
