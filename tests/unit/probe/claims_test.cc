// The frames that ask for an address. That they do what they should, tests/vm/doctor.sh and
// flips.sh show on a wire.
#include "backends/probe/claims.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace twobox;

namespace {

const MacAddress kOwn = *MacAddress::parse("08:00:27:77:84:ef");
const IpAddress kVip = *IpAddress::parse("172.16.0.30");

// A reply as Linux sends it, padded by the driver.
PacketBytes reply() {
  PacketBytes frame = {0x08, 0x00, 0x27, 0x77, 0x84, 0xef, 0x08, 0x00, 0x27, 0xe1, 0x3c,
                       0xc5, 0x08, 0x06, 0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x02,
                       0x08, 0x00, 0x27, 0xe1, 0x3c, 0xc5, 172,  16,   0,    30,   0x08,
                       0x00, 0x27, 0x77, 0x84, 0xef, 0,    0,    0,    0};
  frame.resize(60);
  return frame;
}

const IpAddress kOwn6 = *IpAddress::parse("fe80::a00:27ff:fe77:84ef");
const IpAddress kVip6 = *IpAddress::parse("fd00:16::30");

// An advertisement as Linux answers a solicitation.
PacketBytes advertisement() {
  PacketBytes frame = {0x08, 0x00, 0x27, 0x77, 0x84, 0xef, 0x08, 0x00, 0x27, 0xe1, 0x3c,
                       0xc5, 0x86, 0xdd, 0x60, 0,    0,    0,    0,    32,   58,   255};
  put(frame, kVip6.bytes());
  put(frame, kOwn6.bytes());
  put(frame, PacketBytes{136, 0, 0x12, 0x34, 0x60, 0, 0, 0});
  put(frame, kVip6.bytes());
  put(frame, PacketBytes{2, 1, 0x08, 0x00, 0x27, 0xe1, 0x3c, 0xc5});
  return frame;
}
constexpr std::size_t kAdvertisementEnds = 14 + 40 + 24;

const Claim kClaim = {kVip, *MacAddress::parse("08:00:27:e1:3c:c5")};
const Claim kClaim6 = {kVip6, *MacAddress::parse("08:00:27:e1:3c:c5")};

}  // namespace

TEST_CASE("an ARP probe names no sender's address") {
  const PacketBytes frame = encode_arp_probe(kOwn, kVip);
  const PacketBytes wanted = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x08, 0x00, 0x27, 0x77, 0x84,
                              0xef, 0x08, 0x06, 0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x01,
                              0x08, 0x00, 0x27, 0x77, 0x84, 0xef, 0,    0,    0,    0,    0,
                              0,    0,    0,    0,    0,    172,  16,   0,    30};
  CHECK(std::ranges::equal(frame, wanted));
}

TEST_CASE("a neighbour solicitation goes to the address's group, and its checksum is right") {
  const PacketBytes frame = encode_solicitation(kOwn, kOwn6, kVip6);
  const auto read = read_frame(frame);
  REQUIRE(read);
  CHECK(std::ranges::equal(read->destination.bytes(), PacketBytes{0x33, 0x33, 0xff, 0, 0, 0x30}));
  CHECK(read->source == kOwn);
  CHECK(read->packet.source == kOwn6);
  CHECK(read->packet.destination == *IpAddress::parse("ff02::1:ff00:30"));
  CHECK(read->packet.protocol == 58);
  CHECK(read->packet.ttl == 255);
  const FrameBytes packet = read->packet.payload;
  REQUIRE(packet.size() == 32);
  CHECK(packet[0] == 135);
  CHECK(std::ranges::equal(packet.subspan(8, 16), kVip6.bytes()));
  CHECK(std::ranges::equal(packet.subspan(26), kOwn.bytes()));
  // The sum over a packet with a right checksum is zero.
  CHECK(checksum_within_ip(kOwn6, read->packet.destination, 58, packet) == 0);
}

TEST_CASE("a reply and an advertisement that claim an address say who") {
  CHECK(read_claim(reply()) == kClaim);
  CHECK(read_claim(advertisement()) == kClaim6);
}

TEST_CASE("anything else claims nothing") {
  for (const std::size_t at : {12, 14, 16, 18, 20, 21}) {
    auto other = reply();
    other[at] ^= 0x03U;
    CAPTURE(at);
    CHECK_FALSE(read_claim(other));
  }
  // What it is, its protocol, hop limit and type.
  for (const std::size_t at : {13, 14, 20, 21, 54}) {
    auto other = advertisement();
    other[at] ^= 0x13U;
    CAPTURE(at);
    CHECK_FALSE(read_claim(other));
  }
}

TEST_CASE("what was cut off claims nothing") {
  for (std::size_t bytes = 0; bytes < 42; ++bytes) {
    auto cut = reply();
    cut.resize(bytes);
    CHECK_FALSE(read_claim(cut));
  }
  for (std::size_t bytes = 0; bytes < kAdvertisementEnds; ++bytes) {
    auto cut = advertisement();
    cut.resize(bytes);
    CHECK_FALSE(read_claim(cut));
  }
}
