#include "backends/probe/claimants.h"

#include <net/if.h>
#include <poll.h>

#include <algorithm>
#include <cassert>
#include <cerrno>

#include "backends/packet/filter.h"
#include "backends/packet/socket.h"

namespace twobox {
namespace {

using Clock = std::chrono::steady_clock;

/// Ethernet, then ARP for IPv4 over Ethernet up to its operation (RFC 826).
constexpr std::array<std::uint8_t, 9> kArpHeader = {0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0};
constexpr std::size_t kEtherType = 12;
constexpr std::size_t kOperation = 21;  // its lower byte
constexpr std::size_t kSenderMac = 22;
constexpr std::size_t kSenderAddress = 28;
constexpr std::size_t kTargetAddress = 38;
constexpr std::uint8_t kRequest = 1;
constexpr std::uint8_t kReply = 2;
constexpr std::size_t kMacBytes = 6;
constexpr std::size_t kFramesAtOnce = 64;

FramePattern arp_replies() {
  return {{{{kEtherType, 2}, {0x0806}}, {{kOperation - 1, 2}, {kReply}}}, {}};
}

}  // namespace

ArpBytes encode_arp_probe(const MacAddress& own, const IpAddress& address) {
  assert(address.family() == AddressFamily::kIpv4);
  ArpBytes frame{};
  std::fill_n(frame.begin(), kMacBytes, std::uint8_t{0xff});
  std::ranges::copy(own.bytes(), frame.begin() + kMacBytes);
  std::ranges::copy(kArpHeader, frame.begin() + kEtherType);
  frame[kOperation] = kRequest;
  std::ranges::copy(own.bytes(), frame.begin() + kSenderMac);
  std::ranges::copy(address.bytes(), frame.begin() + kTargetAddress);
  return frame;
}

std::optional<MacAddress> read_claim(FrameBytes frame, const IpAddress& address) {
  if (frame.size() < kArpFrameBytes) return std::nullopt;
  if (!std::ranges::equal(kArpHeader, frame.subspan(kEtherType, kArpHeader.size())) ||
      frame[kOperation] != kReply ||
      !std::ranges::equal(address.bytes(), frame.subspan(kSenderAddress, address.bytes().size())))
    return std::nullopt;
  return MacAddress::from_bytes(frame.subspan<kSenderMac, kMacBytes>());
}

Result<std::set<MacAddress>> find_claimants(const InterfaceName& interface, const MacAddress& own,
                                            const IpAddress& address,
                                            std::chrono::milliseconds patience) {
  const auto index = static_cast<int>(::if_nametoindex(interface.str().c_str()));
  if (index == 0)
    return Error{ErrorKind::kUnavailable, ENODEV, interface.str() + ": no such interface"};
  auto socket = PacketSocket::open();
  if (!socket) return socket.error();
  const FramePattern patterns[] = {arp_replies()};
  if (const Status set = socket->set_filter(compile_filter(patterns, kArpFrameBytes)); !set)
    return set.error();
  if (const Status sent = socket->send(encode_arp_probe(own, address), index); !sent)
    return sent.error();

  std::set<MacAddress> claimants;
  const auto deadline = Clock::now() + patience;
  for (auto left = patience; left.count() > 0;
       left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now())) {
    pollfd waiting{socket->fd(), POLLIN, 0};
    ::poll(&waiting, 1, static_cast<int>(left.count()));
    socket->receive(kFramesAtOnce, [&](FrameBytes frame, int heard_on) {
      const auto claimant = read_claim(frame, address);
      if (claimant && heard_on == index && *claimant != own) claimants.insert(*claimant);
    });
  }
  return claimants;
}

}  // namespace twobox
