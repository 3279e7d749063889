// Telling the neighbours where an address lives now.
#pragma once

#include "schema/error.h"
#include "schema/net.h"

namespace twobox {

/// Sends `count` gratuitous ARP requests (IPv4) or unsolicited neighbour advertisements (IPv6) for
/// `address` out of `interface`, at once. For IPv6 the address must already be on the machine.
/// Waits at most a second for a full send queue.
///
/// Errors: kUnavailable if the interface does not exist, is down or has no Ethernet address, or
/// without CAP_NET_RAW; kTransport if sending fails.
Status announce(const InterfaceName& interface, const IpAddress& address, int count);

}  // namespace twobox
