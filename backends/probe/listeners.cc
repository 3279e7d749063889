#include "backends/probe/listeners.h"

#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>

#include "backends/netlink/attributes.h"
#include "backends/netlink/socket.h"

namespace twobox {
namespace {

using netlink::AttributeTable;
using netlink::MessageView;

constexpr std::array<std::uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

IpAddress address_of(const inet_diag_msg& socket) {
  std::array<std::uint8_t, 16> bytes{};
  std::memcpy(bytes.data(), socket.id.idiag_src, bytes.size());
  const std::span<const std::uint8_t, 16> all(bytes);
  if (socket.idiag_family == AF_INET) return IpAddress::from_ipv4(all.first<4>());
  if (std::ranges::equal(all.first<12>(), kMappedPrefix))
    return IpAddress::from_ipv4(all.last<4>());
  return IpAddress::from_ipv6(all);
}

Status dump_into(ListeningSockets& sockets, netlink::Socket& socket, int family) {
  struct {
    nlmsghdr header;
    inet_diag_req_v2 request;
  } message{};
  message.header.nlmsg_len = sizeof(message);
  message.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  message.request.sdiag_family = static_cast<std::uint8_t>(family);
  message.request.sdiag_protocol = IPPROTO_TCP;
  message.request.idiag_states = 1U << TCP_LISTEN;
  ListeningSockets found;
  const Status read = socket.dump(
      &message.header, [&] { found.clear(); },
      [&](MessageView view) -> Status {
        const auto decoded = decode_listening_socket(view);
        if (!decoded) return decoded.error();
        if (*decoded) found.push_back(**decoded);
        return success();
      });
  std::ranges::move(found, std::back_inserter(sockets));
  return read;
}

bool takes(const ListeningSocket& socket, const IpAddress& address) {
  if (!socket.address.is_unspecified()) return socket.address == address;
  return socket.address.family() == address.family() ||
         (socket.address.family() == AddressFamily::kIpv6 && !socket.ipv6_only);
}

}  // namespace

Result<std::optional<ListeningSocket>> decode_listening_socket(MessageView message) {
  const auto payload = netlink::attributes_of(message, sizeof(inet_diag_msg));
  if (!payload) return payload.error();
  inet_diag_msg socket{};
  std::memcpy(&socket, message.data() + NLMSG_HDRLEN, sizeof(socket));
  if (socket.idiag_family != AF_INET && socket.idiag_family != AF_INET6)
    return std::optional<ListeningSocket>();
  const auto attributes = AttributeTable::parse(*payload, INET_DIAG_SKV6ONLY);
  if (!attributes) return attributes.error();
  const auto ipv6_only = (*attributes)[INET_DIAG_SKV6ONLY].as_or<std::uint8_t>(0);
  if (!ipv6_only) return ipv6_only.error();
  return std::optional(
      ListeningSocket{address_of(socket), ntohs(socket.id.idiag_sport), *ipv6_only != 0});
}

Result<ListeningSockets> listening_sockets() {
  auto socket = netlink::Socket::open(NETLINK_SOCK_DIAG);
  if (!socket) return with_context(socket.error(), "open sock_diag");
  ListeningSockets sockets;
  for (const int family : {AF_INET, AF_INET6})
    if (const Status read = dump_into(sockets, *socket, family); !read)
      return with_context(read.error(), "list listening sockets");
  return sockets;
}

bool would_accept(const ListeningSockets& sockets, const IpAddress& address, Port port) {
  return std::ranges::any_of(sockets, [&](const ListeningSocket& socket) {
    return socket.port == port.host_order() && takes(socket, address);
  });
}

}  // namespace twobox
