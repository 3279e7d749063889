// Valid document + which node this is + its roles -> the kernel state this node should have. All
// defaults are filled in here.
#pragma once

#include <map>
#include <set>
#include <string>

#include "reconciler/bypass_table.h"
#include "reconciler/objects.h"
#include "schema/error.h"
#include "schema/validate.h"

namespace twobox {

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
};

/// This node's role for each VIP.
using Roles = std::map<VipName, Role>;

/// `node` is one of the document's, and `roles` holds its role for each of the document's VIPs;
/// anything else is a programmer's mistake.
DesiredState resolve(const ValidDocument& document, const NodeName& node, const Roles& roles);

/// Makes the node answer itself what its peers send to a VIP by `redirect`, in every role.
void answer_peers(DesiredState& desired, const ValidDocument& document, const NodeName& node,
                  const VipName& vip);

/// The state of a node that holds nothing: what cleanup works towards.
DesiredState nothing_desired();

}  // namespace twobox
