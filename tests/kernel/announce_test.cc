#include "backends/announce/announce.h"

#include <doctest/doctest.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "backends/netlink/handles.h"
#include "tests/kernel/address_support.h"

namespace twobox::address_test {
namespace {

using netlink::FileDescriptor;
using Frame = std::vector<std::uint8_t>;

constexpr std::uint8_t kArp = 0x06;
constexpr std::uint8_t kNeighbourAdvertisement = 136;

bool is_arp(const Frame& frame) {
  return frame.size() >= 42 && frame[12] == 0x08 && frame[13] == kArp;
}
bool is_advertisement(const Frame& frame) {
  return frame.size() >= 86 && frame[12] == 0x86 && frame[13] == 0xdd && frame[20] == 58 &&
         frame[54] == kNeighbourAdvertisement;
}

// Everything that comes out of the wire's other end.
class Listener {
 public:
  Listener() : socket_(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)) {
    REQUIRE(socket_.is_open());
    const timeval patience{0, 300'000};
    REQUIRE(::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0);
    sockaddr_ll peer{};
    peer.sll_family = AF_PACKET;
    peer.sll_protocol = htons(ETH_P_ALL);
    peer.sll_ifindex = static_cast<int>(::if_nametoindex("peer"));
    REQUIRE(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&peer), sizeof(peer)) == 0);
  }

  std::vector<Frame> frames(bool (*wanted)(const Frame&)) {
    std::vector<Frame> frames;
    for (;;) {
      Frame frame(2048);
      const ssize_t length = ::recv(socket_.get(), frame.data(), frame.size(), 0);
      if (length < 0) return frames;
      frame.resize(static_cast<std::size_t>(length));
      if (wanted(frame)) frames.push_back(frame);
    }
  }

 private:
  FileDescriptor socket_;
};

void must(const Status& status) {
  REQUIRE_MESSAGE(status.has_value(), status.error().message);
}

// One's complement sum over the pseudo header and the message; 0xffff when the checksum is right.
std::uint32_t icmpv6_sum(const Frame& frame) {
  std::uint32_t sum = 32 + 58;  // length and next header
  for (std::size_t at = 22; at + 1 < frame.size(); at += 2)
    sum += static_cast<std::uint32_t>(frame[at] << 8 | frame[at + 1]);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

TEST_CASE("announce: IPv4 is `count` gratuitous ARP requests") {
  const VethPair veth;
  Listener listener;
  must(announce(interface("wire"), ip("172.16.0.30"), 3));
  const Frame want = {
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x08, 0x00, 0x27, 0x77, 0x84, 0xef, 0x08, 0x06,  //
      0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x01,             // Ethernet, IPv4, request
      0x08, 0x00, 0x27, 0x77, 0x84, 0xef, 172,  16,   0,    30,   // sender
      0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 172,  16,   0,    30};  // target: the same address
  CHECK(listener.frames(is_arp) == std::vector<Frame>(3, want));
}

TEST_CASE("announce: a neighbour's entry follows") {
  const VethPair veth;
  run("ip address add 172.16.0.32/24 dev peer");
  run("ip neighbour replace 172.16.0.30 lladdr 08:00:27:00:00:01 dev peer nud stale");
  must(announce(interface("wire"), ip("172.16.0.30"), 1));
  run("sleep 0.1");
  CHECK(succeeds(std::string("ip neighbour show dev peer 172.16.0.30 | grep -q ") + kWireMac));
}

TEST_CASE("announce: IPv6 is `count` unsolicited neighbour advertisements") {
  const VethPair veth;
  run("ip address add 2001:db8::30/128 dev wire nodad preferred_lft 0");
  run("ip address add 2001:db8::99/64 dev wire nodad");
  int flags = 0x20;  // override
  SUBCASE("of a host") {
    run("sysctl -qw net.ipv6.conf.wire.forwarding=0");
  }
  SUBCASE("of a router") {
    run("sysctl -qw net.ipv6.conf.wire.forwarding=1");
    flags |= 0x80;
  }
  Listener listener;
  must(announce(interface("wire"), ip("2001:db8::30"), 2));
  const std::vector<Frame> frames = listener.frames(is_advertisement);
  REQUIRE(frames.size() == 2);
  for (Frame frame : frames) {
    CHECK(icmpv6_sum(frame) == 0xffff);
    frame[15] = frame[16] = frame[17] = 0;  // flow label: the kernel's choice
    frame[56] = frame[57] = 0;              // checksum: seen above
    Frame want = {0x33, 0x33, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00, 0x27, 0x77, 0x84,
                  0xef, 0x86, 0xdd, 0x60, 0x00, 0x00, 0x00, 0x00, 32,   58,   255};
    const Frame address = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x30};
    const Frame all_nodes = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    const Frame head = {136, 0, 0, 0, static_cast<std::uint8_t>(flags), 0, 0, 0};
    const Frame option = {2, 1, 0x08, 0x00, 0x27, 0x77, 0x84, 0xef};
    for (const Frame& part : {address, all_nodes, head, address, option})
      want.insert(want.end(), part.begin(), part.end());
    CHECK(frame == want);
  }
}

TEST_CASE("announce: nothing is sent for a count of zero") {
  const VethPair veth;
  Listener listener;
  must(announce(interface("wire"), ip("172.16.0.30"), 0));
  CHECK(listener.frames(is_arp).empty());
}

TEST_CASE("announce: what is missing is named") {
  const VethPair veth;
  run("ip link set peer down");
  struct Row {
    std::string interface;
    const char* address;
    int errno_value;
    std::string message;
  };
  const Row rows[] = {
      {"enp0s3", "192.0.2.30", ENODEV,
       "announce 192.0.2.30 on enp0s3: the interface does not exist"},
      {"peer", "192.0.2.30", ENETDOWN, "announce 192.0.2.30 on peer: the interface is down"},
      {"lo", "192.0.2.30", 0, "announce 192.0.2.30 on lo: the interface has no Ethernet address"},
      {"enp0s3", "2001:db8::30", ENODEV,
       "announce 2001:db8::30 on enp0s3: the interface does not exist"},
      {"wire", "2001:db8::30", EADDRNOTAVAIL,
       "announce 2001:db8::30 on wire: use it as source address: Cannot assign requested address"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.message);
    const Status status = announce(interface(row.interface), ip(row.address), 1);
    REQUIRE_FALSE(status.has_value());
    CHECK(status.error().kind == ErrorKind::kUnavailable);
    CHECK(status.error().errno_value == row.errno_value);
    CHECK(status.error().message == row.message);
  }
}

}  // namespace
}  // namespace twobox::address_test
