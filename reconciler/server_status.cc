#include "reconciler/server_status.h"

#include <array>

#include "reconciler/describe.h"

namespace twobox {
namespace {

constexpr std::size_t kNamedServers = 5;

WallTime on_the_wall(SteadyTime time, Moment now) {
  return now.wall + std::chrono::duration_cast<WallTime::duration>(time - now.steady);
}

DrainStatus drain_status(const ServerView& view, const RealServerKey& server,
                         std::uint32_t connections, Moment now) {
  const auto known = view.drain_begins.find(server);
  const SteadyTime begin = known == view.drain_begins.end() ? now.steady : known->second;
  const Drain* const rule = view.desired.leaving.rule_of(server);
  const auto deadline = rule == nullptr ? std::chrono::seconds(0) : rule->deadline;
  return {on_the_wall(begin, now), on_the_wall(begin + deadline, now), connections};
}

/// "vip web, tcp 172.16.0.30:80"
std::string service_text(const IpvsServiceKey& service,
                         const std::map<IpvsServiceKey, VipName>& vips) {
  const auto vip = vips.find(service);
  return (vip == vips.end() ? "" : "vip " + vip->second + ", ") + key_text(service);
}

/// Names the first few and counts the others.
class Enumeration {
 public:
  void add(const std::string& item) {
    if (++count_ <= kNamedServers) text_ += (text_.empty() ? "" : "; ") + item;
  }
  std::size_t count() const { return count_; }
  std::string text() const {
    if (count_ <= kNamedServers) return text_;
    return text_ + "; and " + std::to_string(count_ - kNamedServers) + " more";
  }

 private:
  std::string text_;
  std::size_t count_ = 0;
};

std::string quorum_text(const QuorumState& state) {
  const std::string serving = std::to_string(state.serving);
  if (state.fallback)
    return serving + " of the " + std::to_string(state.quorum) +
           " servers it needs take new connections, so the fallback " +
           server_text(*state.fallback) + " does";
  if (state.serving == 0) return "no server takes new connections, so clients are refused";
  return serving + " of the " + std::to_string(state.quorum) +
         " servers it needs take new connections";
}

}  // namespace

std::string_view health_text(Health health) {
  constexpr std::array<std::string_view, 3> kTexts = {"unknown", "up", "down"};
  return kTexts.at(static_cast<std::size_t>(health));
}

std::string server_text(const RealServerKey& server) {
  return endpoint_text(server.address, server.port);
}

std::vector<ServerStatus> server_statuses(const ServerView& view,
                                          const std::map<IpvsServiceKey, VipName>& vips,
                                          Moment now) {
  std::map<RealServerKey, ServerStatus> servers;
  const auto entry = [&](const RealServerKey& server) -> ServerStatus* {
    const auto vip = vips.find(server.service);
    if (vip == vips.end()) return nullptr;
    return &servers.try_emplace(server, ServerStatus{vip->second, server}).first->second;
  };
  for (const auto& [server, health] : view.health)
    if (ServerStatus* const status = entry(server)) status->health = health;
  for (const auto& [server, connections] : view.draining)
    if (ServerStatus* const status = entry(server))
      status->drain = drain_status(view, server, connections, now);
  for (const auto& [service, quorum] : view.desired.quorums)
    if (quorum.fallback)
      if (ServerStatus* const status = entry(*quorum.fallback)) status->is_fallback = true;
  std::vector<ServerStatus> list;
  list.reserve(servers.size());
  for (auto& [server, status] : servers) list.push_back(std::move(status));
  return list;
}

std::optional<Finding> servers_healthy(const std::vector<ServerStatus>& servers) {
  std::size_t checked = 0;
  Enumeration down;
  Enumeration unknown;
  for (const ServerStatus& status : servers) {
    if (!status.health) continue;
    ++checked;
    const std::string name = "vip " + status.vip + ", " + key_text(status.server);
    if (status.health->health == Health::kDown) down.add(name + ": " + status.health->cause);
    if (status.health->health == Health::kUnknown) unknown.add(name);
  }
  if (checked == 0) return std::nullopt;
  if (down.count() > 0) return Finding{false, "ServersDown", down.text()};
  if (unknown.count() > 0)
    return Finding{false, "NoVerdictYet", "not known yet, left as they are: " + unknown.text()};
  return Finding{true, "AllUp", "all " + std::to_string(checked) + " checked servers are up"};
}

std::optional<Finding> quorum_reached(const DesiredState& desired,
                                      const std::map<IpvsServiceKey, VipName>& vips) {
  if (desired.quorums.empty()) return std::nullopt;
  Enumeration short_of_servers;
  bool refuses = false;
  bool falls_back = false;
  for (const auto& [service, state] : desired.quorums) {
    if (state.serving >= state.quorum) continue;
    refuses = refuses || (state.serving == 0 && !state.fallback);
    falls_back = falls_back || state.fallback;
    short_of_servers.add(service_text(service, vips) + ": " + quorum_text(state));
  }
  if (short_of_servers.count() == 0)
    return Finding{true, "EnoughServers", "each service has servers enough for new connections"};
  return Finding{false,
                 refuses      ? "NoServer"
                 : falls_back ? "OnFallback"
                              : "BelowQuorum",
                 short_of_servers.text()};
}

}  // namespace twobox
