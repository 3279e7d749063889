// How the subcommands that ask the daemon reach it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "schema/error.h"

namespace twobox {

struct Request {
  std::string target = "/v1/status";
  std::optional<std::string> put = {};  // a JSON body to PUT; absent: GET
  std::multimap<std::string, std::string> header = {};
  bool is_delete = false;
  bool is_post = false;  // without a body
};
struct Response {
  int status = 0;
  std::string body;
  bool in_sync = false;  // of a difference: it is empty
};

/// `api` is "unix:PATH" or "HOST:PORT". Errors: kInvalidDocument for another text, kUnavailable
/// when nobody answers.
Result<Response> ask_daemon(const std::string& api, const Request& request);

/// What a refusal says, one line for each fault.
std::vector<std::string> refusal_lines(const Response& response);

}  // namespace twobox
