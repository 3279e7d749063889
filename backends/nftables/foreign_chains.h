// Base chains of other tables that may drop what the machines need of each other.
#pragma once

#include <vector>

#include "backends/netlink/socket.h"
#include "reconciler/backend.h"
#include "schema/error.h"

namespace twobox::nftables {

/// The base chains with policy drop at the hooks input and output of families inet, ip and ip6, but
/// for our own table's; and whether VRRP may pass them.
///
/// A rule that may be reached and compares the protocol with VRRP's counts as letting it through,
/// whatever else it asks for; so does one without any match that accepts. Left out are chains with
/// policy accept, though a rule of theirs may drop or reject; rules that let VRRP pass without
/// naming it (by interface or address, say), so that a chain is said to drop what it does not; and
/// legacy iptables, which has no netlink. iptables-nft's tables are ordinary ones.
///
/// Torn between its dumps unless the generation stayed the same. Errors: as Socket::dump().
Result<std::vector<DroppingChain>> read_dropping_chains(netlink::Socket& socket);

}  // namespace twobox::nftables
