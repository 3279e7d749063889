// The nftables objects of each bypass scheme. Rules are static and look up sets, so a change of
// role or a new service is one element; and the redirect rule stays when its set is empty, because
// the kernel stops connection tracking (and resets translated connections) with the last one.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "reconciler/objects.h"

namespace twobox {

/// Which packets of TCP a redirect takes; of other protocols it takes every one.
///
/// Beside a sync daemon only the first of each connection: connection tracking carries on what a
/// redirect has begun. What comes without that belongs to a connection from before this node became
/// backup. Its socket is bound to the VIP, and IPVS has an entry that leads there.
enum class RedirectOf : std::uint8_t { kEveryPacket, kFirstPacket };

/// Table, chain, sets and rules of `redirect`; they are the same on every node and in every role.
void add_redirect_rules(KernelState& state, RedirectOf packets);

/// Makes this node answer `endpoint` itself, before its IPVS sees the packet.
void add_redirect(KernelState& state, const Endpoint& endpoint, RedirectOf packets);

/// Makes this node answer `endpoint` itself when one of `peers` sends it, in every role: a peer
/// that does so has scheduled it already. While two nodes hold the VIP, each directs its own
/// clients. It tells peers by their MACs, so only on Ethernet.
void add_peer_redirect(KernelState& state, const Endpoint& endpoint, RedirectOf packets,
                       const std::set<MacAddress>& peers);

/// True for the sets of add_peer_redirect().
bool holds_peer_redirects(const std::string& set);

/// The sets that hold redirected endpoints of a family. No endpoint is in both for longer than a
/// change from one to the other takes.
std::string redirect_set(AddressFamily family);
std::string redirect_first_set(AddressFamily family);

/// True for any of these sets.
bool holds_redirects(const std::string& set);

/// True when `endpoint` is in one of them.
bool is_redirected(const KernelState& state, const Endpoint& endpoint);

/// Table, chains, sets, maps and marking rules of `mac-mark`: a packet gets its service's mark
/// unless it comes from one of `peers`, in which case it was scheduled already.
///
/// Without a mark IPVS schedules nothing, but it looks its connections up before the mark
/// (net/netfilter/ipvs/ip_vs_core.c, ip_vs_in_hook()): an entry from before a change of roles would
/// send back to the new master what that has just sent here. So what comes from a peer bears, while
/// IPVS looks, the number of a protocol that IPVS does not balance. Routing is done by then, and
/// sockets look later. The checksums stay as they are: nobody verifies them until the old number
/// has made them right again. IPv6 packets with extension headers are not hidden. nft loads only
/// its numeric listing (-p) again, with rules that would change checksums one way: they count as
/// edited.
///
/// In LOCAL_IN, before IPVS looks there, and not in PREROUTING: such a mark is no input of routing
/// or reverse path filtering, and forwarded packets never meet the rule. Measured on Linux 6.1 in
/// both places, IPv4 and IPv6: 20 of 20 requests answered in turns, none marked on the peer.
void add_mac_mark_rules(KernelState& state, const std::set<MacAddress>& peers);

/// Gives packets to `endpoint` that don't come from a peer the mark `mark`, and hides the others
/// from IPVS, by rules of the endpoint's protocol.
void add_mark(KernelState& state, const Endpoint& endpoint, std::uint32_t mark);

/// The map from endpoints of a family to their marks.
std::string mark_map(AddressFamily family);

}  // namespace twobox
