// The nftables objects of each bypass scheme. Rules are static and look up sets, so a change of
// role or a new service is one element; and the redirect rule stays when its set is empty, because
// the kernel stops connection tracking (and resets translated connections) with the last one.
#pragma once

#include "reconciler/objects.h"

namespace twobox {

/// Table, chain, sets and rules of `redirect`; they are the same on every node and in every role.
void add_redirect_rules(KernelState& state);

/// Makes this node answer `endpoint` itself, before its IPVS sees the packet.
void add_redirect(KernelState& state, const Endpoint& endpoint);

/// The set that holds redirected endpoints of a family.
std::string redirect_set(AddressFamily family);

}  // namespace twobox
