#include "schema/parse.h"
#include "twobox/commands.h"
#include "twobox/daemons_diff.h"
#include "twobox/daemons_outcome.h"
#include "twobox/files.h"
#include "twobox/log.h"

namespace twobox {
namespace {

int fail(const std::string& message) {
  complain(message);
  return 1;
}

Request request_for(const PutOptions& options, std::string text) {
  Request request{"/v1/document", std::move(text), {}};
  request.target += options.dry_run ? "?dry_run=true" : "?wait=" + options.wait;
  if (options.confirm) request.target += "&confirm=" + *options.confirm;
  if (options.if_match) request.header.emplace("If-Match", *options.if_match);
  return request;
}

}  // namespace

int run_put(const PutOptions& options) {
  auto text = read_file(options.file, options.large ? kMaxLargeDocumentBytes : kMaxDocumentBytes);
  if (!text) return fail(text.error().message);
  const Request request = request_for(options, *std::move(text));
  if (options.dry_run) return ask_and_print_diff(options.api, request, options.format);
  return ask_and_print_outcome(options.api, request, options.format);
}

}  // namespace twobox
