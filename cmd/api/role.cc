#include "api/role.h"

#include <nlohmann/json.hpp>

#include "api/problem.h"
#include "reconciler/field_reader.h"
#include "reconciler/fields_json.h"

namespace twobox {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxRoleBytes = 4096;
constexpr char kAllowed[] =
    R"(allowed is {"role": "master"}, or "backup", "fault" or "document" in its place)";

/// The role asked for; nullopt inside: the document's.
std::optional<std::optional<Role>> wanted_role(const std::string& body) {
  const Json object = parse_written_json(body);
  if (!object.is_object() || object.size() != 1 || !object.contains("role")) return std::nullopt;
  const Json& word = object["role"];
  if (!word.is_string()) return std::nullopt;
  if (word == "document") return std::optional<Role>();
  const auto role = role_from_text(word.get<std::string>());
  if (!role) return std::nullopt;
  return role;
}

HttpAnswer vip_answer(const VipName& vip, const StatusReport& report) {
  Json object = {{"vip", vip}};
  if (const auto found = report.vips.find(vip); found != report.vips.end()) {
    object["role"] = to_string(found->second.role);
    object["source"] = found->second.source;
  }
  return {200, kJsonType, json_text(object) + "\n", {}, nullptr};
}

}  // namespace

HttpAnswer put_role(const Call& call, const Backstage& backstage) {
  const VipName& vip = call.names.at("name");
  if (call.request.body.size() > kMaxRoleBytes) return problem(413, kAllowed);
  const auto role = wanted_role(call.request.body);
  if (!role) return problem(400, kAllowed);
  const Status changed = backstage.requests.set_role(vip, *role);
  if (changed) return vip_answer(vip, backstage.board.look()->status);
  const bool unknown = changed.error().kind == ErrorKind::kInvalidDocument;
  return problem(unknown ? 404 : 503, changed.error().message);
}

}  // namespace twobox
