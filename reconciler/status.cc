#include "reconciler/status.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "reconciler/describe.h"
#include "reconciler/fields_json.h"

namespace twobox {
namespace {

using Json = nlohmann::ordered_json;

Json vips_json(const std::map<VipName, VipStatus>& vips) {
  Json object = Json::object();
  for (const auto& [name, vip] : vips)
    object[name] = {
        {"role", to_string(vip.role)}, {"source", vip.source}, {"since", time_text(vip.since)}};
  return object;
}

Json conditions_json(const std::map<std::string, Condition>& conditions) {
  Json list = Json::array();
  for (const auto& [type, condition] : conditions)
    list.push_back({{"type", type},
                    {"status", condition.holds ? "True" : "False"},
                    {"reason", condition.reason},
                    {"message", condition.message},
                    {"since", time_text(condition.since)}});
  return list;
}

Json last_pass_json(const std::optional<LastPass>& pass) {
  if (!pass) return nullptr;
  return {{"at", time_text(pass->at)},
          {"duration_ms", static_cast<double>(pass->duration.count()) / 1000.0},
          {"changes", pass->changes},
          {"error", pass->error ? Json(*pass->error) : Json(nullptr)}};
}

Json refused_json(const std::vector<RefusalStatus>& refused) {
  Json list = Json::array();
  for (const RefusalStatus& refusal : refused)
    list.push_back({{"object", refusal.object},
                    {"errno", refusal.error.errno_value},
                    {"message", refusal.error.message},
                    {"failures", refusal.failures},
                    {"since", time_text(refusal.since)},
                    {"next_attempt", time_text(refusal.next_attempt)}});
  return list;
}

/// Newest last; what was refused changed nothing.
Json changes_made_json(const History& history) {
  Json list = Json::array();
  const auto& entries = history.entries();
  for (auto entry = entries.rbegin(); entry != entries.rend() && list.size() < kShownChanges;
       ++entry) {
    if (entry->error) continue;
    list.push_back({{"at", time_text(entry->at)},
                    {"cause", to_string(entry->cause)},
                    {"action", entry->action},
                    {"object", object_name(*entry)},
                    {"reason", entry->reason}});
  }
  std::reverse(list.begin(), list.end());
  return list;
}

Json health_json(const std::optional<ServerHealth>& health) {
  if (!health) return nullptr;
  return {{"verdict", health_text(health->health)},
          {"since", time_text(health->since.wall)},
          {"cause", health->cause},
          {"transitions", health->transitions}};
}

Json drain_json(const std::optional<DrainStatus>& drain) {
  if (!drain) return nullptr;
  return {{"since", time_text(drain->since)},
          {"until", time_text(drain->until)},
          {"connections", drain->connections}};
}

Json servers_json(const std::vector<ServerStatus>& servers) {
  Json list = Json::array();
  for (const ServerStatus& server : servers)
    list.push_back({{"vip", server.vip},
                    {"service", key_text(server.server.service)},
                    {"server", server_text(server.server)},
                    {"health", health_json(server.health)},
                    {"drain", drain_json(server.drain)},
                    {"fallback", server.is_fallback}});
  return list;
}

Json drains_object(const DrainOverrides& drains) {
  Json object = Json::object();
  for (const auto& [name, deadline] : drains)
    object[name] = {{"deadline", std::to_string(deadline.count()) + "s"}};
  return object;
}

Json confirmation_json(const std::optional<ConfirmationStatus>& confirmation) {
  if (!confirmation) return nullptr;
  return {{"document", confirmation->document},
          {"reverts_to", confirmation->reverts_to},
          {"since", time_text(confirmation->since)},
          {"until", time_text(confirmation->until)}};
}

}  // namespace

std::string drains_json(const DrainOverrides& drains) {
  return json_text(drains_object(drains));
}

bool is_ready(const StatusReport& report) {
  const auto found = report.conditions.find("Ready");
  return found != report.conditions.end() && found->second.holds;
}

std::string status_json(const StatusReport& report) {
  const Json object = {{"format", 1},
                       {"node", report.node},
                       {"document", report.document_path},
                       {"source", report.document_source},
                       {"generation", report.generation},
                       {"observed_generation", report.observed_generation},
                       {"ready", is_ready(report)},
                       {"confirmation", confirmation_json(report.confirmation)},
                       {"vips", vips_json(report.vips)},
                       {"servers", servers_json(*report.servers)},
                       {"drains", drains_object(report.drains)},
                       {"conditions", conditions_json(report.conditions)},
                       {"last_pass", last_pass_json(report.last_pass)},
                       {"refused", refused_json(report.refused)},
                       {"missing", report.missing},
                       {"foreign", foreign_json(report.foreign)},
                       {"history", changes_made_json(*report.history)}};
  return json_text(object);
}

}  // namespace twobox
