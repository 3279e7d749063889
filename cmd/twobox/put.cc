#include <cstdio>
#include <nlohmann/json.hpp>

#include "schema/parse.h"
#include "twobox/api_client.h"
#include "twobox/commands.h"
#include "twobox/daemons_diff.h"
#include "twobox/files.h"
#include "twobox/log.h"

namespace twobox {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kConverged = 0;
constexpr int kFailed = 1;
constexpr int kNotYet = 3;

int fail(const std::string& message) {
  complain(message);
  return kFailed;
}

int show_outcome(const Json& outcome, const std::string& body, OutputFormat format) {
  const bool converged = outcome.value("converged", false);
  if (format == OutputFormat::kJson) {
    std::fputs(body.c_str(), stdout);
  } else {
    std::printf("generation %s is in force: %s\n",
                outcome.value("generation", Json()).dump().c_str(),
                converged ? "the kernel is as it wants"
                          : "the kernel is not yet as it wants; `twobox status` says why");
  }
  return converged ? kConverged : kNotYet;
}

Request request_for(const PutOptions& options, std::string text) {
  Request request{"/v1/document", std::move(text), {}};
  request.target += options.dry_run ? "?dry_run=true" : "?wait=" + options.wait;
  if (options.if_match) request.header.emplace("If-Match", *options.if_match);
  return request;
}

}  // namespace

int run_put(const PutOptions& options) {
  auto text = read_file(options.file, options.large ? kMaxLargeDocumentBytes : kMaxDocumentBytes);
  if (!text) return fail(text.error().message);
  const Request request = request_for(options, *std::move(text));
  if (options.dry_run) return ask_and_print_diff(options.api, request, options.format);
  const auto response = ask_daemon(options.api, request);
  if (!response) return fail(response.error().message);
  const Json object = Json::parse(response->body, nullptr, /*allow_exceptions=*/false);
  if (response->status <= 202 && object.is_object())
    return show_outcome(object, response->body, options.format);
  for (const std::string& line : refusal_lines(*response)) complain(line);
  return kFailed;
}

}  // namespace twobox
