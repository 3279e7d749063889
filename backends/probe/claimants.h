// Who on the wire says that an IPv4 address is his.
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <set>

#include "backends/packet/headers.h"
#include "schema/error.h"
#include "schema/net.h"

namespace twobox {

/// Sends one ARP probe (RFC 5227: it comes from no address, so nobody learns anything) and gathers
/// who answers within `patience`; this machine never does. `own`: the interface's MAC.
/// Errors: kUnavailable without CAP_NET_RAW, or if there is no such interface; kTransport.
Result<std::set<MacAddress>> find_claimants(const InterfaceName& interface, const MacAddress& own,
                                            const IpAddress& address,
                                            std::chrono::milliseconds patience);

constexpr std::size_t kArpFrameBytes = 42;
using ArpBytes = std::array<std::uint8_t, kArpFrameBytes>;

/// The whole frame. `address` is IPv4.
ArpBytes encode_arp_probe(const MacAddress& own, const IpAddress& address);

/// The sender of an ARP reply in which `address` is the sender's. nullopt: anything else.
std::optional<MacAddress> read_claim(FrameBytes frame, const IpAddress& address);

}  // namespace twobox
