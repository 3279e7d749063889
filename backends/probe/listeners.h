// Which TCP sockets of this machine wait for connections.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "backends/netlink/message.h"
#include "schema/error.h"
#include "schema/net.h"

namespace twobox {

struct ListeningSocket {
  IpAddress address;  // the unspecified one: every address; mapped IPv4 ones are IPv4
  std::uint16_t port = 0;
  bool ipv6_only = false;  // an IPv6 socket that is not for IPv4, too
  friend bool operator==(const ListeningSocket&, const ListeningSocket&) = default;
};
using ListeningSockets = std::vector<ListeningSocket>;

/// Those of this network namespace, whatever interface they are bound to. Needs no privilege.
/// Errors: kTransport; kTornDump; kKernelRefused with ENOENT where the kernel lacks tcp_diag.
/// Source: include/uapi/linux/inet_diag.h, net/ipv4/inet_diag.c.
Result<ListeningSockets> listening_sockets();

/// True if one of them takes connections to `address`: bound to it, or to every address of its
/// family; IPv6's wildcard is for IPv4 too, unless it was told not to be.
bool would_accept(const ListeningSockets& sockets, const IpAddress& address, Port port);

/// Reads one message of the dump. nullopt: of a family that is neither IPv4 nor IPv6.
/// Error: kTransport (EBADMSG) if it is too short.
Result<std::optional<ListeningSocket>> decode_listening_socket(netlink::MessageView message);

}  // namespace twobox
