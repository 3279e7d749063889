// Real servers that leave without breaking connections: they take no new ones, and go when none is
// left or their time is over. A level, not an event: a daemon that starts anew begins to count
// anew.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "reconciler/backend.h"
#include "reconciler/moment.h"
#include "reconciler/objects.h"

namespace twobox {

struct DesiredState;

/// Drains asked for by hand, and how long each may take. By name: a node's, a real server's address
/// ("172.16.0.31", "2001:db8::31"), or its address and port ("172.16.0.31:80").
using DrainOverrides = std::map<std::string, std::chrono::seconds>;

/// The name in its one form, if the document has a node or real server of it.
std::optional<std::string> drain_name(const Document& document, const std::string& text);

/// How a server may leave.
struct Drain {
  std::chrono::seconds deadline{0};  // from when it was first seen draining
  /// UDP: every connection is inactive to IPVS from its begin (net/netfilter/ipvs/ip_vs_ctl.c,
  /// __ip_vs_update_dest) until nobody has sent for its timeout. With TCP and SCTP an inactive one
  /// is one that its client has closed, and IPVS keeps it for up to two minutes: the answer is
  /// there, so nothing is left to wait for. Persistence templates are no connections.
  bool counts_inactive = false;
  friend bool operator==(const Drain&, const Drain&) = default;
};

enum class DrainStage : std::uint8_t {
  kSettling,  // weight 0 is news: a packet under way may still open a connection
  kEmptying,  // goes as soon as no connection is left
  kOver,      // goes now
};

/// When each server was first seen draining.
using DrainBegins = std::map<RealServerKey, SteadyTime>;

/// How servers leave that are no longer wanted. One with neither a rule of its own nor one of its
/// service goes at once.
struct Leaving {
  std::map<RealServerKey, Drain> servers;  // told to drain, whether in the document or not
  std::map<IpvsServiceKey, Drain> services;
  std::map<RealServerKey, DrainStage> stages;    // kOver also: failed, so nothing to wait for
  DrainStage otherwise = DrainStage::kSettling;  // the stage of a server without one

  bool empty() const { return servers.empty() && services.empty(); }
  const Drain* rule_of(const RealServerKey& server) const;  // null: none
};

/// How long a server is kept at weight 0 before its connections count.
constexpr std::chrono::seconds kDrainSettles{1};

/// Fills in the stages of servers seen draining since `begins`; stages that are there stay.
void add_stages(Leaving& leaving, const DrainBegins& begins, SteadyTime now);

/// Those of the real servers `there` that stay although `desired.kernel` does not have them:
/// untouched ones as they are, and leaving ones at weight 0. So no server is made only to drain.
std::map<RealServerKey, RealServerConfig> kept_servers(
    const DesiredState& desired, const std::map<RealServerKey, RealServerConfig>& there,
    const std::map<RealServerKey, ServerConnections>& connections);

/// Those of `observed` that stay only until they have drained, and how many connections each waits
/// for.
std::map<RealServerKey, std::uint32_t> draining_servers(const DesiredState& desired,
                                                        const ObservedState& observed);

/// `begins` of those draining now: a known one keeps its begin, a new one begins now.
DrainBegins still_draining(const DrainBegins& begins,
                           const std::map<RealServerKey, std::uint32_t>& draining, SteadyTime now);

}  // namespace twobox
