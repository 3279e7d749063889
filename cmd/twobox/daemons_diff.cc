#include "twobox/daemons_diff.h"

#include <cstdio>

#include "twobox/log.h"

namespace twobox {
namespace {

constexpr int kInSync = 0;
constexpr int kFailed = 1;
constexpr int kDiffers = 2;

}  // namespace

int ask_and_print_diff(const std::string& api, Request request, OutputFormat format) {
  request.header.emplace("Accept",
                         format == OutputFormat::kJson ? "application/json" : "text/plain");
  const auto response = ask_daemon(api, request);
  if (!response) {
    complain(response.error().message);
    return kFailed;
  }
  if (response->status != 200) {
    for (const std::string& line : refusal_lines(*response)) complain(line);
    return kFailed;
  }
  std::fputs(response->body.c_str(), stdout);
  return response->in_sync ? kInSync : kDiffers;
}

}  // namespace twobox
