// What the status says of real servers. Pure: every moment is an argument.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/draining.h"
#include "reconciler/health.h"
#include "reconciler/resolve.h"

namespace twobox {

std::string_view health_text(Health health);  // "up", "down", "unknown"

/// A drain under way.
struct DrainStatus {
  WallTime since;
  WallTime until;                 // when it goes in any case
  std::uint32_t connections = 0;  // what it waits for
  friend bool operator==(const DrainStatus&, const DrainStatus&) = default;
};

/// A real server that is checked, drains, or serves as fallback.
struct ServerStatus {
  VipName vip;
  RealServerKey server;
  std::optional<ServerHealth> health = {};  // absent: not checked
  std::optional<DrainStatus> drain = {};
  bool is_fallback = false;
};
/// "172.16.0.31:80": its name within its service.
std::string server_text(const RealServerKey& server);

/// What a pass knew and found out about real servers.
struct ServerView {
  const DesiredState& desired;
  const HealthMap& health;
  const std::map<RealServerKey, std::uint32_t>& draining;  // of the pass
  const DrainBegins& drain_begins;
};

/// In the order of their keys; `vips` names the VIP of each service, others are passed over.
std::vector<ServerStatus> server_statuses(const ServerView& view,
                                          const std::map<IpvsServiceKey, VipName>& vips,
                                          Moment now);

/// What a condition says. Nothing: it does not apply.
struct Finding {
  bool holds = false;
  std::string reason;
  std::string message;
};
/// Whether each checked server is up.
std::optional<Finding> servers_healthy(const std::vector<ServerStatus>& servers);
/// Whether enough servers of each service take new connections.
std::optional<Finding> quorum_reached(const DesiredState& desired,
                                      const std::map<IpvsServiceKey, VipName>& vips);

}  // namespace twobox
