#include "backends/probe/neighbours.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "backends/netlink/attributes.h"
#include "backends/netlink/handles.h"

namespace twobox {
namespace {

using netlink::AttributeTable;
using netlink::MessageHandle;
using netlink::MessageView;

constexpr int kHasMac = NUD_PERMANENT | NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE;

Result<int> index_of(const InterfaceName& interface) {
  const unsigned index = ::if_nametoindex(interface.str().c_str());
  if (index == 0)
    return Error{ErrorKind::kUnavailable, ENODEV, interface.str() + ": no such interface"};
  return static_cast<int>(index);
}

Result<MessageHandle> make_message(int type, int flags, const ndmsg& header) {
  MessageHandle message(nlmsg_alloc_simple(type, flags));
  if (!message) return netlink::transport_error(ENOMEM, "make a netlink message");
  ndmsg copy = header;
  if (nlmsg_append(message.get(), &copy, sizeof(copy), NLMSG_ALIGNTO) < 0)
    return netlink::transport_error(EMSGSIZE, "make a netlink message");
  return message;
}

template <std::size_t kSize>
std::optional<std::array<std::uint8_t, kSize>> exactly(const netlink::AttributeView& attribute) {
  const auto bytes = attribute.as<std::array<std::uint8_t, kSize>>();
  if (!bytes) return std::nullopt;
  return *bytes;
}

}  // namespace

Result<std::optional<Neighbour>> decode_neighbour(MessageView message) {
  using None = std::optional<Neighbour>;
  const auto payload = netlink::attributes_of(message, sizeof(ndmsg));
  if (!payload) return payload.error();
  ndmsg header{};
  std::memcpy(&header, message.data() + NLMSG_HDRLEN, sizeof(header));
  const auto attributes = AttributeTable::parse(*payload, NDA_LLADDR);
  if (!attributes) return attributes.error();
  const auto mac = exactly<6>((*attributes)[NDA_LLADDR]);
  if ((header.ndm_state & kHasMac) == 0 || !mac) return None();
  if (header.ndm_family == AF_INET) {
    const auto bytes = (*attributes)[NDA_DST].as<std::array<std::uint8_t, 4>>();
    if (!bytes) return bytes.error();
    return None({header.ndm_ifindex, IpAddress::from_ipv4(*bytes), MacAddress::from_bytes(*mac)});
  }
  if (header.ndm_family != AF_INET6) return None();
  const auto bytes = (*attributes)[NDA_DST].as<std::array<std::uint8_t, 16>>();
  if (!bytes) return bytes.error();
  return None({header.ndm_ifindex, IpAddress::from_ipv6(*bytes), MacAddress::from_bytes(*mac)});
}

Result<std::map<IpAddress, MacAddress>> neighbours(const InterfaceName& interface) {
  const auto index = index_of(interface);
  if (!index) return index.error();
  auto socket = netlink::Socket::open(NETLINK_ROUTE);
  if (!socket) return socket.error();
  const auto request = make_message(RTM_GETNEIGH, NLM_F_REQUEST, ndmsg{});
  if (!request) return request.error();
  std::map<IpAddress, MacAddress> found;
  const Status read = socket->dump(
      nlmsg_hdr(request->get()), [&] { found.clear(); },
      [&](MessageView message) -> Status {
        const auto neighbour = decode_neighbour(message);
        if (!neighbour) return neighbour.error();
        if (*neighbour && (*neighbour)->interface_index == *index)
          found.insert_or_assign((*neighbour)->address, (*neighbour)->mac);
        return success();
      });
  if (!read) return with_context(read.error(), "list neighbours");
  return found;
}

Status ask_for_neighbour(const InterfaceName& interface, const IpAddress& address) {
  const auto index = index_of(interface);
  if (!index) return index.error();
  auto socket = netlink::Socket::open(NETLINK_ROUTE);
  if (!socket) return socket.error();
  ndmsg header{};
  header.ndm_family = address.family() == AddressFamily::kIpv4 ? AF_INET : AF_INET6;
  header.ndm_ifindex = *index;
  header.ndm_flags = NTF_USE;
  const auto request = make_message(RTM_NEWNEIGH, NLM_F_REQUEST | NLM_F_CREATE, header);
  if (!request) return request.error();
  const auto bytes = address.bytes();
  if (nla_put(request->get(), NDA_DST, static_cast<int>(bytes.size()), bytes.data()) != 0)
    return netlink::transport_error(EMSGSIZE, "make a netlink message");
  if (const Status asked = socket->request(nlmsg_hdr(request->get())); !asked)
    return with_context(asked.error(), "ask for neighbour " + address.to_string());
  return success();
}

}  // namespace twobox
