#include <cstdio>
#include <nlohmann/json.hpp>

#include "reconciler/field_reader.h"
#include "twobox/api_client.h"
#include "twobox/commands.h"
#include "twobox/log.h"

namespace twobox {
namespace {

using Json = nlohmann::ordered_json;

Request request_of(const DrainOptions& options) {
  if (!options.name) return {"/v1/drains", {}, {}};
  Request request{"/v1/drains/" + *options.name, {}, {}};
  if (options.end)
    request.is_delete = true;
  else
    request.put = Json{{"deadline", options.deadline}}.dump();
  return request;
}

void print_text(const Json& drains) {
  if (drains.empty()) std::printf("no drain was asked for by hand\n");
  for (const auto& [name, drain] : drains.items())
    std::printf("%s drains, at most %s\n", name.c_str(),
                drain.value("deadline", std::string()).c_str());
}

}  // namespace

int run_drain(const DrainOptions& options) {
  const auto response = ask_daemon(options.api, request_of(options));
  if (!response) {
    complain(response.error().message);
    return 1;
  }
  const Json drains = parse_written_json(response->body);
  if (response->status != 200 || !drains.is_object()) {
    for (const std::string& line : refusal_lines(*response)) complain(line);
    return 1;
  }
  if (options.format == OutputFormat::kJson)
    std::fputs(response->body.c_str(), stdout);
  else
    print_text(drains);
  return 0;
}

}  // namespace twobox
