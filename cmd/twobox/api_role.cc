#include "twobox/api_role.h"

#include <nlohmann/json.hpp>

namespace twobox {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kAllowed[] =
    R"(allowed is {"role": "master"}, or "backup", "fault" or "document" in its place)";

/// The role asked for; nullopt inside: the document's.
std::optional<std::optional<Role>> wanted_role(const std::string& body) {
  const Json object = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object() || object.size() != 1 || !object.contains("role")) return std::nullopt;
  const Json& word = object["role"];
  if (!word.is_string()) return std::nullopt;
  if (word == "document") return std::optional<Role>();
  const auto role = role_from_text(word.get<std::string>());
  if (!role) return std::nullopt;
  return role;
}

Answer vip_answer(const VipName& vip, const StatusBoard& board) {
  Json object = {{"vip", vip}};
  const auto report = board.look();
  if (const auto found = report->vips.find(vip); found != report->vips.end()) {
    object["role"] = to_string(found->second.role);
    object["source"] = found->second.source;
  }
  return {200, "application/json", object.dump()};
}

}  // namespace

Answer problem(int status, const std::string& detail) {
  const Json object = {{"status", status}, {"detail", detail}};
  return {status, "application/problem+json",
          object.dump(-1, ' ', false, Json::error_handler_t::replace)};
}

Answer put_role(const VipName& vip, const std::optional<std::string>& body,
                const StatusBoard& board, RoleRequests& requests) {
  if (!body) return problem(413, kAllowed);
  const auto role = wanted_role(*body);
  if (!role) return problem(400, kAllowed);
  const Status changed = requests.ask(vip, *role);
  if (changed) return vip_answer(vip, board);
  const bool unknown = changed.error().kind == ErrorKind::kInvalidDocument;
  return problem(unknown ? 404 : 503, changed.error().message);
}

}  // namespace twobox
