#include <cstdio>
#include <nlohmann/json.hpp>

#include "reconciler/field_reader.h"
#include "twobox/api_client.h"
#include "twobox/commands.h"
#include "twobox/daemons_outcome.h"
#include "twobox/log.h"

namespace twobox {
namespace {

using Json = nlohmann::ordered_json;

std::string text_of(const Json& object, const char* name) {
  const Json field = object.value(name, Json());
  return field.is_string() ? field.get<std::string>() : field.dump();
}

int list(const RollbackOptions& options) {
  const auto response = ask_daemon(options.api, {"/v1/documents", {}, {}});
  if (!response) {
    complain(response.error().message);
    return 1;
  }
  const Json answer = parse_written_json(response->body);
  if (response->status != 200 || !answer.is_object()) {
    for (const std::string& line : refusal_lines(*response)) complain(line);
    return 1;
  }
  if (options.format == OutputFormat::kJson) {
    std::fputs(response->body.c_str(), stdout);
    return 0;
  }
  for (const Json& document : answer.value("documents", Json::array()))
    std::printf("%s %s %s%s%s\n", text_of(document, "number").c_str(),
                text_of(document, "at").c_str(), text_of(document, "etag").c_str(),
                document.value("in_force", Json()) == true ? " in force" : "",
                document.value("converged", Json()) == true ? "" : ", not converged");
  return 0;
}

}  // namespace

int run_rollback(const RollbackOptions& options) {
  if (options.list) return list(options);
  Request request;
  request.target =
      "/v1/rollback?number=" + std::to_string(options.number) + "&wait=" + options.wait;
  request.is_post = true;
  if (options.if_match) request.header.emplace("If-Match", *options.if_match);
  return ask_and_print_outcome(options.api, request, options.format);
}

}  // namespace twobox
