#include <cstdio>
#include <nlohmann/json.hpp>

#include "reconciler/field_reader.h"
#include "twobox/api_client.h"
#include "twobox/commands.h"
#include "twobox/log.h"

namespace twobox {
namespace {

using Json = nlohmann::ordered_json;

std::string text_of(const Json& object, const char* name) {
  const auto field = object.find(name);
  return field != object.end() && field->is_string() ? field->get<std::string>() : "unknown";
}

int print_role(const Json& vip, const VipName& name, OutputFormat format) {
  const std::string role = text_of(vip, "role");
  const std::string source = text_of(vip, "source");
  if (format == OutputFormat::kJson) {
    const Json object = {{"vip", name}, {"role", role}, {"source", source}};
    std::printf("%s\n", object.dump().c_str());
  } else {
    std::printf("vip %s: %s (%s)\n", name.c_str(), role.c_str(), source.c_str());
  }
  return 0;
}

int fail(const std::string& message) {
  complain(message);
  return 1;
}

/// The object that the daemon answers with; an error in the daemon's own words.
Result<Json> ask(const RoleOptions& options, const Request& request) {
  const auto response = ask_daemon(options.api, request);
  if (!response) return response.error();
  Json object = parse_written_json(response->body);
  if (response->status == 200 && object.is_object()) return object;
  return Error{ErrorKind::kUnavailable, 0, refusal_lines(*response).front()};
}

int show(const RoleOptions& options) {
  const auto status = ask(options, Request{});
  if (!status) return fail(status.error().message);
  const Json vips = status->value("vips", Json::object());
  if (!vips.contains(options.vip)) return fail("the document has no vip '" + options.vip + "'");
  return print_role(vips[options.vip], options.vip, options.format);
}

}  // namespace

int run_role(const RoleOptions& options) {
  if (!options.role) return show(options);
  const Json body = {{"role", *options.role}};
  const auto vip = ask(options, {"/v1/vips/" + options.vip + "/role", body.dump(), {}});
  if (!vip) return fail(vip.error().message);
  return print_role(*vip, options.vip, options.format);
}

}  // namespace twobox
