#include "backends/announce/announce.h"

#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/if_ether.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>

#include "backends/netlink/handles.h"

namespace twobox {
namespace {

using netlink::FileDescriptor;

constexpr int kNeighbourHopLimit = 255;  // receivers drop any other (RFC 4861, 7.1.2)

struct EthernetPort {
  int index;
  std::array<std::uint8_t, ETH_ALEN> mac;
};

struct ArpFrame {
  ether_header ethernet;
  ether_arp arp;
};
static_assert(sizeof(ArpFrame) == 42);

struct Advertisement {
  nd_neighbor_advert header;
  nd_opt_hdr option;
  std::array<std::uint8_t, ETH_ALEN> mac;
};
static_assert(sizeof(Advertisement) == 32);

Error failure(ErrorKind kind, const std::string& doing) {
  const int errno_value = errno;
  return {kind, errno_value, doing + ": " + std::strerror(errno_value)};
}

Result<FileDescriptor> open_socket(int family, int protocol) {
  FileDescriptor socket(::socket(family, SOCK_RAW | SOCK_CLOEXEC, protocol));
  if (!socket.is_open()) {
    const bool forbidden = errno == EPERM || errno == EACCES;
    return failure(forbidden ? ErrorKind::kUnavailable : ErrorKind::kTransport,
                   forbidden ? "open a raw socket (needs CAP_NET_RAW)" : "open a raw socket");
  }
  const timeval second{1, 0};
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &second, sizeof(second)) != 0)
    return failure(ErrorKind::kTransport, "set the send deadline");
  return socket;
}

Result<EthernetPort> find_port(const FileDescriptor& socket, const InterfaceName& interface) {
  ifreq request{};
  std::ranges::copy(interface.str(), request.ifr_name);
  if (::ioctl(socket.get(), SIOCGIFINDEX, &request) != 0)
    return Error{ErrorKind::kUnavailable, errno, "the interface does not exist"};
  EthernetPort port{request.ifr_ifindex, {}};
  if (::ioctl(socket.get(), SIOCGIFFLAGS, &request) != 0)
    return failure(ErrorKind::kUnavailable, "read the interface's flags");
  if ((request.ifr_flags & IFF_UP) == 0)
    return Error{ErrorKind::kUnavailable, ENETDOWN, "the interface is down"};
  if (::ioctl(socket.get(), SIOCGIFHWADDR, &request) != 0)
    return failure(ErrorKind::kUnavailable, "read the interface's address");
  if (request.ifr_hwaddr.sa_family != ARPHRD_ETHER)
    return Error{ErrorKind::kUnavailable, 0, "the interface has no Ethernet address"};
  std::memcpy(port.mac.data(), request.ifr_hwaddr.sa_data, port.mac.size());
  return port;
}

template <typename Packet, typename Destination>
Status send_all(const FileDescriptor& socket, const Packet& packet, const Destination& to,
                int count) {
  for (int sent = 0; sent < count; ++sent) {
    const ssize_t bytes = ::sendto(socket.get(), &packet, sizeof(packet), 0,
                                   reinterpret_cast<const sockaddr*>(&to), sizeof(to));
    if (bytes < 0) return failure(ErrorKind::kTransport, "send");
  }
  return success();
}

// The request form, as keepalived and arping -U have it: every host that knows the address renews
// its entry from either form, and requests are what RFC 5227 (section 3) finds most robust.
ArpFrame gratuitous_arp(const EthernetPort& port, const IpAddress& address) {
  ArpFrame frame{};
  std::ranges::fill(frame.ethernet.ether_dhost, std::uint8_t{0xff});
  std::ranges::copy(port.mac, frame.ethernet.ether_shost);
  frame.ethernet.ether_type = htons(ETHERTYPE_ARP);
  frame.arp.ea_hdr.ar_hrd = htons(ARPHRD_ETHER);
  frame.arp.ea_hdr.ar_pro = htons(ETHERTYPE_IP);
  frame.arp.ea_hdr.ar_hln = ETH_ALEN;
  frame.arp.ea_hdr.ar_pln = sizeof(in_addr);
  frame.arp.ea_hdr.ar_op = htons(ARPOP_REQUEST);
  std::ranges::copy(port.mac, frame.arp.arp_sha);
  std::ranges::copy(address.bytes(), frame.arp.arp_spa);
  std::ranges::copy(address.bytes(), frame.arp.arp_tpa);
  return frame;
}

// A neighbour that hears a router say it is none drops it as default router (RFC 4861, 7.2.5), so
// the flag is what the kernel's own advertisements carry. (net/ipv6/ndisc.c, ndisc_recv_ns)
bool is_ipv6_router(const InterfaceName& interface) {
  std::ifstream file("/proc/sys/net/ipv6/conf/" + interface.str() + "/forwarding");
  int forwarding = 0;
  return file >> forwarding && forwarding != 0;
}

Advertisement advertisement(const EthernetPort& port, const IpAddress& address, bool router) {
  Advertisement packet{};
  packet.header.nd_na_type = ND_NEIGHBOR_ADVERT;  // the kernel fills in the checksum
  packet.header.nd_na_flags_reserved = ND_NA_FLAG_OVERRIDE | (router ? ND_NA_FLAG_ROUTER : 0);
  std::memcpy(&packet.header.nd_na_target, address.bytes().data(), address.bytes().size());
  packet.option.nd_opt_type = ND_OPT_TARGET_LINKADDR;
  packet.option.nd_opt_len = 1;  // in units of 8 bytes
  packet.mac = port.mac;
  return packet;
}

Status announce_ipv4(const InterfaceName& interface, const IpAddress& address, int count) {
  const auto socket = open_socket(AF_PACKET, 0);  // protocol 0: receives nothing
  if (!socket) return socket.error();
  const auto port = find_port(*socket, interface);
  if (!port) return port.error();
  sockaddr_ll everyone{};
  everyone.sll_family = AF_PACKET;
  everyone.sll_protocol = htons(ETH_P_ARP);
  everyone.sll_ifindex = port->index;
  everyone.sll_halen = ETH_ALEN;
  std::fill_n(everyone.sll_addr, ETH_ALEN, std::uint8_t{0xff});
  return send_all(*socket, gratuitous_arp(*port, address), everyone, count);
}

Status announce_ipv6(const InterfaceName& interface, const IpAddress& address, int count) {
  const auto socket = open_socket(AF_INET6, IPPROTO_ICMPV6);
  if (!socket) return socket.error();
  const auto port = find_port(*socket, interface);
  if (!port) return port.error();

  icmp6_filter nothing{};
  ICMP6_FILTER_SETBLOCKALL(&nothing);
  const auto set = [&](int level, int option, const auto& value) {
    return ::setsockopt(socket->get(), level, option, &value, sizeof(value)) == 0;
  };
  if (!set(IPPROTO_ICMPV6, ICMP6_FILTER, nothing) ||
      !set(IPPROTO_IPV6, IPV6_MULTICAST_HOPS, kNeighbourHopLimit) ||
      !set(IPPROTO_IPV6, IPV6_MULTICAST_IF, port->index) ||
      !set(IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0))
    return failure(ErrorKind::kTransport, "set up the socket");

  sockaddr_in6 source{};
  source.sin6_family = AF_INET6;
  std::memcpy(&source.sin6_addr, address.bytes().data(), address.bytes().size());
  source.sin6_scope_id = static_cast<std::uint32_t>(port->index);  // used for link-local ones only
  if (::bind(socket->get(), reinterpret_cast<const sockaddr*>(&source), sizeof(source)) != 0)
    return failure(ErrorKind::kUnavailable, "use it as source address");

  sockaddr_in6 all_nodes{};
  all_nodes.sin6_family = AF_INET6;
  all_nodes.sin6_addr = {{{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}};
  all_nodes.sin6_scope_id = static_cast<std::uint32_t>(port->index);
  return send_all(*socket, advertisement(*port, address, is_ipv6_router(interface)), all_nodes,
                  count);
}

}  // namespace

Status announce(const InterfaceName& interface, const IpAddress& address, int count) {
  const Status sent = address.family() == AddressFamily::kIpv4
                          ? announce_ipv4(interface, address, count)
                          : announce_ipv6(interface, address, count);
  if (sent) return sent;
  return with_context(sent.error(), "announce " + address.to_string() + " on " + interface.str());
}

}  // namespace twobox
