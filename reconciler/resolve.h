// Valid document + which node this is + its roles -> the kernel state this node should have. All
// defaults are filled in here.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "reconciler/bypass_table.h"
#include "reconciler/draining.h"
#include "reconciler/health.h"
#include "reconciler/objects.h"
#include "schema/error.h"
#include "schema/validate.h"

namespace twobox {

/// How many of a service's servers take new connections.
struct QuorumState {
  std::size_t serving = 0;  // those without a verdict included
  std::uint32_t quorum = 1;
  std::optional<RealServerKey> fallback;  // that serves in their place
  friend bool operator==(const QuorumState&, const QuorumState&) = default;
};

/// Everything twobox wants of one node's kernel.
struct DesiredState {
  KernelState kernel;
  std::set<AddressKey> announced;  // tell the neighbours when one of these is gained
  /// What this node directs as soon as it has the address, by redirect's rules: until then it keeps
  /// its bypass, which also answers what the old master still forwards.
  std::multimap<AddressKey, Endpoint> directed;
  RedirectOf redirect_of = RedirectOf::kEveryPacket;
  std::map<IpAddress, VipName> vip_names;
  std::map<FirewallMark, VipName> mark_names;  // of the VIPs that are balanced by mark
  /// Where VIPs stand whose address somebody else moves: never ours to add, remove or announce.
  std::map<IpAddress, InterfaceName> followed;
  bool manages_sync_daemon = false;  // both daemons are ours to start or stop
  Prune prune = Prune::kOwned;

  /// Checked servers without a verdict yet: they stay as they are, absent ones absent.
  std::set<RealServerKey> untouched;
  /// How servers leave that are neither among `kernel.ipvs_servers` nor untouched.
  Leaving leaving;
  /// Why a server is not as the document has it; those it says nothing of are.
  std::map<RealServerKey, std::string> server_reasons;
  /// Of the services whose servers can fail or drain, or have a fallback.
  std::map<IpvsServiceKey, QuorumState> quorums;
  /// When time alone makes it another state: a weight that grows.
  std::optional<SteadyTime> next_change;
};

/// What is known about real servers beside the document.
struct ServerEvidence {
  const HealthMap* health = nullptr;  // null: nobody checks, and all are taken to be well
  DrainOverrides drains;
  const DrainBegins* drain_begins = nullptr;  // null: nobody remembers
  SteadyTime now;
};

/// This node's role for each VIP.
using Roles = std::map<VipName, Role>;

/// `node` is one of the document's, and `roles` holds its role for each of the document's VIPs;
/// anything else is a programmer's mistake.
///
/// Servers of a service with a check:
/// - Without a verdict (a start, a new server) a server is untouched, and counts as serving.
/// - One that is down goes at once, or keeps its connections with weight 0: `on_failure`.
/// - One that is up again gets its weight by and by within `slow_start`.
/// - Fewer servers than `quorum` that take new connections: the fallback takes them all; the others
///   keep what they have, with weight 0. Without a fallback those that are up go on. Is none left,
///   clients are refused at once.
/// A server that is to drain takes no new connections; how it leaves is in `leaving`.
DesiredState resolve(const ValidDocument& document, const NodeName& node, const Roles& roles,
                     const ServerEvidence& evidence = {});

/// Makes the node answer itself what its peers send to a VIP by `redirect`, in every role.
void answer_peers(DesiredState& desired, const ValidDocument& document, const NodeName& node,
                  const VipName& vip);

/// The state of a node that holds nothing: what cleanup works towards.
DesiredState nothing_desired();

}  // namespace twobox
