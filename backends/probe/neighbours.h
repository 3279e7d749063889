// Which MACs the kernel has found for addresses on the wire: ARP's and neighbour discovery's table.
#pragma once

#include <map>
#include <optional>

#include "backends/netlink/message.h"
#include "backends/netlink/socket.h"
#include "schema/error.h"
#include "schema/net.h"

namespace twobox {

/// Those of one interface that have a MAC, however old it is. Errors: kUnavailable if there is no
/// such interface; kTransport; kTornDump.
Result<std::map<IpAddress, MacAddress>> neighbours(const InterfaceName& interface);

/// Has the kernel ask the wire for `address` as if it had a packet to send there, and returns at
/// once. Errors: kUnavailable if there is no such interface; kKernelRefused (EPERM without
/// CAP_NET_ADMIN); kTransport. Source: net/core/neighbour.c, neigh_add(), NTF_USE.
Status ask_for_neighbour(const InterfaceName& interface, const IpAddress& address);

struct Neighbour {
  int interface_index = 0;
  IpAddress address;
  MacAddress mac;
};
/// Reads RTM_NEWNEIGH. nullopt: no IP address, or no MAC known. Error: kTransport if malformed.
Result<std::optional<Neighbour>> decode_neighbour(netlink::MessageView message);

}  // namespace twobox
