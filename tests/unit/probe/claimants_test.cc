// The frames of an ARP probe. That they do what they should, tests/vm/doctor.sh shows on a wire.
#include "backends/probe/claimants.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

using namespace twobox;

namespace {

const MacAddress kOwn = *MacAddress::parse("08:00:27:77:84:ef");
const IpAddress kVip = *IpAddress::parse("172.16.0.30");

// A reply as Linux sends it, padded by the driver.
std::vector<std::uint8_t> reply() {
  std::vector<std::uint8_t> frame = {
      0x08, 0x00, 0x27, 0x77, 0x84, 0xef, 0x08, 0x00, 0x27, 0xe1, 0x3c, 0xc5, 0x08, 0x06,
      0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x02, 0x08, 0x00, 0x27, 0xe1, 0x3c, 0xc5,
      172,  16,   0,    30,   0x08, 0x00, 0x27, 0x77, 0x84, 0xef, 0,    0,    0,    0};
  frame.resize(60);
  return frame;
}

}  // namespace

TEST_CASE("an ARP probe names no sender's address") {
  const ArpBytes frame = encode_arp_probe(kOwn, kVip);
  const ArpBytes wanted = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x08, 0x00, 0x27, 0x77, 0x84,
                           0xef, 0x08, 0x06, 0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x01,
                           0x08, 0x00, 0x27, 0x77, 0x84, 0xef, 0,    0,    0,    0,    0,
                           0,    0,    0,    0,    0,    172,  16,   0,    30};
  CHECK(std::ranges::equal(frame, wanted));
}

TEST_CASE("a reply that claims the address says who") {
  CHECK(read_claim(reply(), kVip) == MacAddress::parse("08:00:27:e1:3c:c5").value());
  CHECK_FALSE(read_claim(reply(), *IpAddress::parse("172.16.0.31")));
}

TEST_CASE("anything else claims nothing") {
  for (const std::size_t at : {12, 14, 16, 18, 20, 21}) {
    auto other = reply();
    other[at] ^= 0x03U;
    CAPTURE(at);
    CHECK_FALSE(read_claim(other, kVip));
  }
  for (std::size_t bytes = 0; bytes < kArpFrameBytes; ++bytes) {
    auto cut = reply();
    cut.resize(bytes);
    CHECK_FALSE(read_claim(cut, kVip));
  }
}
