#include "api/drains.h"

#include <nlohmann/json.hpp>

#include "api/problem.h"
#include "reconciler/field_reader.h"
#include "schema/duration.h"

namespace twobox {
namespace {

using Json = nlohmann::ordered_json;
using std::chrono::seconds;

constexpr std::size_t kMaxDrainBytes = 4096;
constexpr char kAllowed[] =
    R"(allowed is {"deadline": "60s"}, whole seconds from 1s to 24h, or {} for 60s)";

std::optional<seconds> wanted_deadline(const std::string& body) {
  const Json object = parse_written_json(body);
  if (!object.is_object()) return std::nullopt;
  if (object.empty()) return kDefaultDrain;
  if (object.size() != 1 || !object.contains("deadline") || !object["deadline"].is_string())
    return std::nullopt;
  const auto deadline = parse_duration(object["deadline"].get<std::string>());
  if (!deadline || *deadline < seconds(1) || *deadline > std::chrono::hours(24) ||
      *deadline % seconds(1) != seconds(0))
    return std::nullopt;
  return std::chrono::duration_cast<seconds>(*deadline);
}

HttpAnswer drain_answer(const Status& changed, const Backstage& backstage) {
  if (changed) return get_drains(*backstage.board.look());
  const bool unknown = changed.error().kind == ErrorKind::kInvalidDocument;
  return problem(unknown ? 404 : 503, changed.error().message);
}

}  // namespace

HttpAnswer get_drains(const DaemonView& view) {
  return {200, kJsonType, drains_json(view.status.drains) + "\n", {}, nullptr};
}

HttpAnswer put_drain(const Call& call, const Backstage& backstage) {
  if (call.request.body.size() > kMaxDrainBytes) return problem(413, kAllowed);
  const auto deadline = wanted_deadline(call.request.body);
  if (!deadline) return problem(400, kAllowed);
  return drain_answer(backstage.requests.set_drain(call.names.at("name"), *deadline), backstage);
}

HttpAnswer delete_drain(const Call& call, const Backstage& backstage) {
  return drain_answer(backstage.requests.set_drain(call.names.at("name"), std::nullopt), backstage);
}

}  // namespace twobox
