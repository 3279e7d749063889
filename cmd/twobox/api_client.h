// How the subcommands that ask the daemon reach it.
#pragma once

#include <optional>
#include <string>

#include "schema/error.h"

namespace twobox {

struct Request {
  std::string target = "/v1/status";
  std::optional<std::string> put;  // a JSON body to PUT; absent: GET
};
struct Response {
  int status = 0;
  std::string body;
};

/// `api` is "unix:PATH" or "HOST:PORT". Errors: kInvalidDocument for another text, kUnavailable
/// when nobody answers.
Result<Response> ask_daemon(const std::string& api, const Request& request);

}  // namespace twobox
