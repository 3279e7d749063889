#include "backends/loop_watch/loop_watch.h"

#include <doctest/doctest.h>

#include "backends/probe/frame.h"

using namespace twobox;

namespace {

IpAddress ip(const char* text) {
  return *IpAddress::parse(text);
}

/// A SYN to port 80 with so many hops left.
std::vector<std::uint8_t> frame(const char* source, const char* destination, std::uint8_t ttl) {
  const ProbeTarget target{*InterfaceName::parse("enp0s3"),
                           *MacAddress::parse("08:00:27:e1:3c:c5"),
                           *MacAddress::parse("08:00:27:77:84:ef"),
                           ip(source),
                           ip(destination),
                           *Port::from_number(80)};
  auto bytes = encode_probe(target, {0x1234, 0x5abc});
  bytes[bytes[12] == 0x08 ? 22 : 21] = ttl;
  return bytes;
}

}  // namespace

TEST_CASE("a suspect is a packet to a VIP with few hops left") {
  const std::set<IpAddress> vips = {ip("172.16.0.30"), ip("fd00:16::30")};
  struct Row {
    const char* source;
    const char* destination;
    std::uint8_t ttl;
    bool want;
  };
  const Row rows[] = {
      {"172.16.0.40", "172.16.0.30", 31, true},  {"172.16.0.40", "172.16.0.30", 32, false},
      {"172.16.0.40", "172.16.0.31", 31, false}, {"fd00:16::40", "fd00:16::30", 1, true},
      {"fd00:16::40", "fd00:16::30", 64, false}, {"fd00:16::40", "fd00:17::30", 1, false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.destination);
    CAPTURE(int{row.ttl});
    const auto bytes = frame(row.source, row.destination, row.ttl);
    const auto suspect = read_suspect(bytes, vips);
    REQUIRE(suspect.has_value() == row.want);
    if (!suspect) continue;
    CHECK(suspect->from == *MacAddress::parse("08:00:27:e1:3c:c5"));
    CHECK(suspect->source == ip(row.source));
    CHECK(suspect->destination == ip(row.destination));
    CHECK(suspect->protocol == 6);
    CHECK(suspect->source_port == 0xfabc);
    CHECK(suspect->destination_port == 80);
    CHECK((suspect->identity & 0xffffffff) == 0x12345abc);
    CHECK(suspect->ttl == row.ttl);
  }
}

TEST_CASE("the filter lists VIPs while they are few enough") {
  std::set<IpAddress> vips;
  CHECK(suspect_patterns(vips).empty());
  for (std::size_t i = 0; i < kMaxFieldValues; ++i)
    vips.insert(ip(("10.0.1." + std::to_string(i)).c_str()));
  const auto listed = suspect_patterns(vips);
  REQUIRE(listed.size() == 1);
  CHECK(listed[0].among.back().values.size() == kMaxFieldValues);
  vips.insert(ip("10.0.2.1"));
  const auto all = suspect_patterns(vips);
  REQUIRE(all.size() == 1);
  CHECK(all[0].among.size() + 1 == listed[0].among.size());
}
