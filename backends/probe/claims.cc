#include "backends/probe/claims.h"

#include <net/if.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>

#include "backends/packet/filter.h"

namespace twobox {
namespace {

using Clock = std::chrono::steady_clock;

/// Ethernet, then ARP for IPv4 over Ethernet up to its operation (RFC 826).
constexpr std::array<std::uint8_t, 9> kArpHeader = {0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0};
constexpr std::size_t kEtherType = 12;
constexpr std::size_t kOperation = 21;  // its lower byte
constexpr std::size_t kSenderMac = 22;
constexpr std::size_t kSenderAddress = 28;
constexpr std::size_t kArpFrameBytes = 42;
constexpr std::uint8_t kRequest = 1;
constexpr std::uint8_t kReply = 2;
constexpr std::size_t kMacBytes = 6;

/// RFC 4861, 4.3 and 4.4. Receivers drop any other hop limit (7.1.2).
constexpr std::uint8_t kIcmpv6 = 58;
constexpr std::uint8_t kHopLimit = 255;
constexpr std::uint8_t kSolicitation = 135;
constexpr std::uint8_t kAdvertisement = 136;
constexpr std::size_t kTarget = 8;  // bytes from the ICMPv6 header's first
constexpr std::size_t kAdvertisementBytes = 24;
constexpr std::uint32_t kNextHeader = frame_offset::kIp + 6;
constexpr std::uint32_t kIcmpv6Type = frame_offset::kIp + 40;

constexpr std::uint32_t kLongestClaim = frame_offset::kIp + 40 + kAdvertisementBytes;
constexpr std::size_t kFramesAtOnce = 64;

FramePattern arp_replies() {
  return {{{{kEtherType, 2}, {0x0806}}, {{kOperation - 1, 2}, {kReply}}}, {}};
}

FramePattern neighbour_advertisements() {
  return {{{{kEtherType, 2}, {0x86dd}},
           {{kNextHeader, 1}, {kIcmpv6}},
           {{kIcmpv6Type, 1}, {kAdvertisement}}},
          {}};
}

std::optional<Claim> read_arp_reply(FrameBytes frame) {
  if (frame.size() < kArpFrameBytes ||
      !std::ranges::equal(kArpHeader, frame.subspan(kEtherType, kArpHeader.size())) ||
      frame[kOperation] != kReply)
    return std::nullopt;
  return Claim{IpAddress::from_ipv4(frame.subspan<kSenderAddress, 4>()),
               MacAddress::from_bytes(frame.subspan<kSenderMac, kMacBytes>())};
}

std::optional<Claim> read_advertisement(FrameBytes bytes) {
  const auto frame = read_frame(bytes);
  if (!frame) return std::nullopt;
  const IpPacket& packet = frame->packet;
  if (packet.source.family() != AddressFamily::kIpv6 || packet.protocol != kIcmpv6 ||
      packet.ttl != kHopLimit || packet.payload.size() < kAdvertisementBytes ||
      packet.payload[0] != kAdvertisement)
    return std::nullopt;
  return Claim{IpAddress::from_ipv6(packet.payload.subspan<kTarget, 16>()), frame->source};
}

PacketBytes solicitation(const MacAddress& own, const IpAddress& address) {
  PacketBytes packet = {kSolicitation, 0, 0, 0};
  put_32(packet, 0);
  put(packet, address.bytes());
  packet.push_back(1);  // source link-layer address
  packet.push_back(1);  // in units of 8 bytes
  put(packet, own.bytes());
  return packet;
}

}  // namespace

PacketBytes encode_arp_probe(const MacAddress& own, const IpAddress& address) {
  assert(address.family() == AddressFamily::kIpv4);
  PacketBytes frame(kMacBytes, 0xff);
  put(frame, own.bytes());
  put(frame, kArpHeader);
  frame.push_back(kRequest);
  put(frame, own.bytes());
  frame.resize(frame.size() + 4 + kMacBytes);  // from no address, to nobody known
  put(frame, address.bytes());
  return frame;
}

PacketBytes encode_solicitation(const MacAddress& own, const IpAddress& source,
                                const IpAddress& address) {
  assert(source.family() == AddressFamily::kIpv6 && address.family() == AddressFamily::kIpv6);
  // The solicited-node multicast address (RFC 4291, 2.7.1) ends with the address's last bytes, and
  // so does its Ethernet address (RFC 2464, 7).
  std::array<std::uint8_t, 16> group = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff};
  std::ranges::copy(address.bytes().last(3), group.begin() + 13);
  const IpAddress destination = IpAddress::from_ipv6(group);
  PacketBytes packet = solicitation(own, address);
  set_16(packet, 2, checksum_within_ip(source, destination, kIcmpv6, packet));

  PacketBytes frame = {0x33, 0x33};
  put(frame, destination.bytes().last(4));
  put(frame, own.bytes());
  put_16(frame, 0x86dd);
  put_32(frame, 0x60000000);
  put_16(frame, static_cast<std::uint32_t>(packet.size()));
  frame.push_back(kIcmpv6);
  frame.push_back(kHopLimit);
  put(frame, source.bytes());
  put(frame, destination.bytes());
  put(frame, packet);
  return frame;
}

std::optional<Claim> read_claim(FrameBytes frame) {
  if (const auto claim = read_arp_reply(frame)) return claim;
  return read_advertisement(frame);
}

Result<ClaimSocket> ClaimSocket::open() {
  auto socket = PacketSocket::open();
  if (!socket) return socket.error();
  const FramePattern patterns[] = {arp_replies(), neighbour_advertisements()};
  if (const Status set = socket->set_filter(compile_filter(patterns, kLongestClaim)); !set)
    return set.error();
  return ClaimSocket(*std::move(socket));
}

Status ClaimSocket::ask(const ClaimAsker& asker, const IpAddress& address) {
  if (address.family() == AddressFamily::kIpv4)
    return socket_.send(encode_arp_probe(asker.mac, address), asker.interface_index);
  if (!asker.address || asker.address->family() != AddressFamily::kIpv6)
    return Error{ErrorKind::kUnavailable, 0, "no IPv6 address to ask from"};
  return socket_.send(encode_solicitation(asker.mac, *asker.address, address),
                      asker.interface_index);
}

std::vector<Claim> ClaimSocket::drain(int interface_index) {
  std::vector<Claim> claims;
  socket_.receive(kFramesAtOnce, [&](FrameBytes frame, int heard_on) {
    const auto claim = read_claim(frame);
    if (claim && heard_on == interface_index) claims.push_back(*claim);
  });
  return claims;
}

Result<std::set<MacAddress>> find_claimants(const InterfaceName& interface, const MacAddress& own,
                                            const IpAddress& address,
                                            std::chrono::milliseconds patience) {
  const auto index = static_cast<int>(::if_nametoindex(interface.str().c_str()));
  if (index == 0)
    return Error{ErrorKind::kUnavailable, ENODEV, interface.str() + ": no such interface"};
  auto socket = ClaimSocket::open();
  if (!socket) return socket.error();
  if (const Status asked = socket->ask({index, own, {}}, address); !asked) return asked.error();

  std::set<MacAddress> claimants;
  const auto deadline = Clock::now() + patience;
  for (auto left = patience; left.count() > 0;
       left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now())) {
    pollfd waiting{socket->fd(), POLLIN, 0};
    ::poll(&waiting, 1, static_cast<int>(left.count()));
    for (const Claim& claim : socket->drain(index))
      if (claim.address == address && claim.by != own) claimants.insert(claim.by);
  }
  return claimants;
}

}  // namespace twobox
