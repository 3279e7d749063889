#include "backends/probe/frame.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <initializer_list>

using namespace twobox;

namespace {

using Bytes = std::vector<std::uint8_t>;

IpAddress ip(const char* text) {
  return *IpAddress::parse(text);
}
MacAddress mac(const char* text) {
  return *MacAddress::parse(text);
}

constexpr char kMacA[] = "08:00:27:77:84:ef";
constexpr char kMacB[] = "08:00:27:e1:3c:c5";

ProbeTarget target(const char* source, const char* destination) {
  return {*InterfaceName::parse("enp0s3"), mac(kMacA), mac(kMacB), ip(source), ip(destination),
          *Port::from_number(80)};
}
ProbeTarget ipv4() {
  return target("172.16.0.31", "172.16.0.30");
}
ProbeTarget ipv6() {
  return target("fd00:16::31", "fd00:16::30");
}
constexpr ProbeCookie kCookie{0x1234, 0x5abc};

std::uint32_t sum_of(FrameBytes bytes, std::uint32_t sum) {
  for (std::size_t at = 0; at + 1 < bytes.size(); at += 2)
    sum += static_cast<std::uint32_t>(bytes[at] << 8 | bytes[at + 1]);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

/// What the machine that got `probe` sends back: the ends swapped, other flags and numbers.
Bytes answer_to(Bytes probe, std::uint8_t flags, std::uint32_t acknowledgement) {
  const bool is_ipv4 = probe[12] == 0x08;
  const std::size_t source = is_ipv4 ? 26 : 22;
  const auto size = static_cast<std::ptrdiff_t>(is_ipv4 ? 4 : 16);
  const auto first = probe.begin();
  std::swap_ranges(first, first + 6, first + 6);
  const auto addresses = first + static_cast<std::ptrdiff_t>(source);
  std::swap_ranges(addresses, addresses + size, addresses + size);
  const auto tcp = addresses + 2 * size;
  std::swap_ranges(tcp, tcp + 2, tcp + 2);
  for (int i = 0; i < 4; ++i) {
    tcp[4 + i] = 0x77;
    tcp[8 + i] = static_cast<std::uint8_t>(acknowledgement >> (24 - 8 * i));
  }
  tcp[13] = flags;
  return probe;
}

/// An ICMP error of `type` from 172.16.0.32 or fd00:16::32 about `probe`, of which `kept` bytes
/// behind the IP header come along.
Bytes error_about(const Bytes& probe, std::uint8_t type, std::size_t kept) {
  const bool is_ipv4 = probe[12] == 0x08;
  const std::size_t header = is_ipv4 ? 20 : 40;
  Bytes frame(probe.begin(), probe.begin() + static_cast<std::ptrdiff_t>(14 + header));
  std::swap_ranges(frame.begin(), frame.begin() + 6, frame.begin() + 6);
  const std::size_t payload = 8 + header + kept;
  if (is_ipv4) {
    frame[16] = 0;
    frame[17] = static_cast<std::uint8_t>(20 + payload);
    frame[23] = 1;
  } else {
    frame[19] = static_cast<std::uint8_t>(payload);
    frame[20] = 58;
  }
  frame.insert(frame.end(), {type, 0, 0, 0, 0, 0, 0, 0});
  frame.insert(frame.end(), probe.begin() + 14,
               probe.begin() + static_cast<std::ptrdiff_t>(14 + header + kept));
  return frame;
}

std::optional<ProbeEcho> echo_in(const Bytes& bytes) {
  const auto frame = read_frame(bytes);
  return frame ? read_echo(*frame) : std::nullopt;
}

}  // namespace

TEST_CASE("a probe is a SYN that reads as it was written") {
  for (const ProbeTarget& wanted : {ipv4(), ipv6()}) {
    CAPTURE(wanted.destination.to_string());
    const Bytes bytes = encode_probe(wanted, kCookie);
    const auto frame = read_frame(bytes);
    REQUIRE(frame.has_value());
    CHECK(frame->source == wanted.source_mac);
    CHECK(frame->destination == wanted.destination_mac);
    CHECK(frame->packet.source == wanted.source);
    CHECK(frame->packet.destination == wanted.destination);
    CHECK(frame->packet.ttl == kProbeTtl);
    const auto tcp = read_tcp(frame->packet.payload);
    REQUIRE(tcp.has_value());
    CHECK(tcp->source_port == 0xfabc);
    CHECK(tcp->destination_port == 80);
    CHECK(tcp->sequence == 0x12345abc);
    CHECK(tcp->flags == tcp_flag::kSyn);
  }
}

TEST_CASE("checksums of a probe are right") {
  const Bytes four = encode_probe(ipv4(), kCookie);
  REQUIRE(four.size() == 54);
  CHECK(sum_of(FrameBytes(four).subspan(14, 20), 0) == 0xffff);
  // The addresses, then protocol and length, make the pseudo header.
  CHECK(sum_of(FrameBytes(four).subspan(26), 6 + 20) == 0xffff);
  const Bytes six = encode_probe(ipv6(), kCookie);
  REQUIRE(six.size() == 74);
  CHECK(sum_of(FrameBytes(six).subspan(22), 6 + 20) == 0xffff);
}

TEST_CASE("a reset goes the probe's way, with the number its receiver expects") {
  const Bytes bytes = encode_reset(ipv4(), kCookie);
  const auto frame = read_frame(bytes);
  REQUIRE(frame.has_value());
  const auto tcp = read_tcp(frame->packet.payload);
  REQUIRE(tcp.has_value());
  CHECK(tcp->source_port == 0xfabc);
  CHECK(tcp->sequence == 0x12345abd);
  CHECK(tcp->flags == tcp_flag::kReset);
  CHECK_FALSE(echo_in(bytes).has_value());
}

TEST_CASE("what comes back is told apart") {
  for (const ProbeTarget& wanted : {ipv4(), ipv6()}) {
    const bool is_ipv4 = wanted.destination.family() == AddressFamily::kIpv4;
    const Bytes probe = encode_probe(wanted, kCookie);
    const auto unreachable = static_cast<std::uint8_t>(is_ipv4 ? 3 : 1);
    const auto exceeded = static_cast<std::uint8_t>(is_ipv4 ? 11 : 3);
    struct Row {
      const char* what;
      Bytes bytes;
      std::optional<ProbeSign> want;
    };
    const Row rows[] = {
        {"SYN-ACK", answer_to(probe, 0x12, 0x12345abd), ProbeSign::kAnswer},
        {"RST-ACK", answer_to(probe, 0x14, 0x12345abd), ProbeSign::kRefusal},
        {"an ACK that challenges", answer_to(probe, 0x10, 0x12345abd), std::nullopt},
        {"RST without a number", answer_to(probe, 0x04, 0), std::nullopt},
        {"SYN-ACK to another port", answer_to(probe, 0x12, 0x12345abe), std::nullopt},
        {"unreachable, 8 bytes", error_about(probe, unreachable, 8), ProbeSign::kUnreachable},
        {"unreachable, all of it", error_about(probe, unreachable, 20), ProbeSign::kUnreachable},
        {"time exceeded", error_about(probe, exceeded, 20), ProbeSign::kTimeExceeded},
        {"another ICMP", error_about(probe, 4, 20), std::nullopt},
        {"ICMP that returns too little", error_about(probe, unreachable, 4), std::nullopt},
        {"itself", probe, ProbeSign::kProbeItself},
    };
    for (const Row& row : rows) {
      CAPTURE(row.what);
      const auto echo = echo_in(row.bytes);
      REQUIRE(echo.has_value() == row.want.has_value());
      if (!row.want) continue;
      CHECK(echo->sign == *row.want);
      CHECK(echo->cookie == kCookie);
      CHECK(echo->asked == wanted.destination);
      CHECK(echo->port == wanted.port);
      CHECK(echo->ttl == kProbeTtl);
      CHECK(echo->from == mac(*row.want == ProbeSign::kProbeItself ? kMacA : kMacB));
    }
  }
}

TEST_CASE("no frame is read beyond its end") {
  for (const ProbeTarget& wanted : {ipv4(), ipv6()}) {
    const Bytes probe = encode_probe(wanted, kCookie);
    for (const Bytes& whole : {probe, error_about(probe, 3, 20), error_about(probe, 1, 20)})
      for (std::size_t length = 0; length < whole.size(); ++length) {
        CAPTURE(length);
        // Of its own length on the heap, so that a sanitizer sees a step too far.
        const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
        const auto echo = echo_in(cut);
        // Only what is missing of the packet within ICMP may be missed.
        if (echo) CHECK(length + 12 >= whole.size());
      }
  }
}

TEST_CASE("headers that say what can't be are refused") {
  const Bytes probe = encode_probe(ipv4(), kCookie);
  struct Row {
    const char* what;
    std::size_t at;
    std::uint8_t value;
  };
  const Row rows[] = {
      {"an IP header shorter than one", 14, 0x44},
      {"an IP header longer than the packet", 14, 0x4f},
      {"neither IPv4 nor IPv6", 14, 0x55},
      {"a packet shorter than its header", 17, 19},
      {"a later fragment", 21, 1},
      {"a VLAN's tag", 12, 0x81},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Bytes bytes = probe;
    bytes[row.at] = row.value;
    CHECK_FALSE(echo_in(bytes).has_value());
  }
}

TEST_CASE("what pads a short frame is no payload") {
  Bytes padded = encode_probe(ipv4(), kCookie);
  padded.resize(60);
  const auto frame = read_frame(padded);
  REQUIRE(frame.has_value());
  CHECK(frame->packet.payload.size() == 20);
}
