#include "reconciler/loop_detector.h"

#include <doctest/doctest.h>

#include <initializer_list>

using namespace twobox;
using namespace std::chrono_literals;

namespace {

Moment at(std::chrono::milliseconds since) {
  return {SteadyTime{} + 1h + since, WallTime{1'767'323'045'000ms} + since};
}

LoopSuspect suspect(std::uint8_t ttl, std::uint16_t source_port = 5000,
                    std::uint64_t identity = 1) {
  return {*MacAddress::parse("08:00:27:e1:3c:c5"),
          *IpAddress::parse("172.16.0.40"),
          *IpAddress::parse("172.16.0.30"),
          6,
          source_port,
          80,
          identity,
          ttl};
}

/// Each a millisecond after the one before.
std::optional<LoopEvidence> after(std::initializer_list<int> ttls) {
  LoopDetector detector;
  std::chrono::milliseconds time{0};
  for (const int ttl : ttls) detector.see(suspect(static_cast<std::uint8_t>(ttl)), at(time += 1ms));
  return detector.evidence(at(time).steady);
}

Document document() {
  Document document;
  document.nodes["b"] = {{}, {*MacAddress::parse("08:00:27:e1:3c:c5")}, {}};
  document.vips.emplace("web", Vip{*IpPrefix::parse("172.16.0.30"),
                                   *InterfaceName::parse("enp0s3"),
                                   Role::kMaster,
                                   Bypass::kRedirect,
                                   {}});
  return document;
}

}  // namespace

TEST_CASE("a packet that comes three times with less hops each time goes round") {
  struct Row {
    std::initializer_list<int> ttls;
    bool want;
  };
  const Row rows[] = {
      {{31, 29, 27}, true},
      {{31, 29}, false},
      {{3, 2, 1}, true},
      {{31, 31, 29, 29, 27, 27}, true},  // each on a bridge and its port
      {{31, 31, 31, 31}, false},         // sent again from the same place
      {{1, 2, 3, 4, 5, 6}, false},       // a traceroute that changes nothing else
      {{31, 29, 31, 29, 31, 29}, false},
      {{31, 29, 31, 29, 27}, true},
  };
  for (const Row& row : rows) {
    std::string shown;
    for (const int ttl : row.ttls) shown += std::to_string(ttl) + " ";
    CAPTURE(shown);
    CHECK(after(row.ttls).has_value() == row.want);
  }
}

TEST_CASE("evidence says what was seen") {
  LoopDetector detector;
  detector.see(suspect(31), at(0ms));
  detector.see(suspect(29), at(2ms));
  detector.see(suspect(27), at(5ms));
  const auto evidence = detector.evidence(at(5ms).steady);
  REQUIRE(evidence.has_value());
  CHECK(loop_text(*evidence, document()) ==
        "tcp 172.16.0.40:5000 to 172.16.0.30:80 (web) came 3 times from b, with 31, 29, 27 hops "
        "left, last at 2026-01-02T03:04:05.005Z");
  CHECK(loop_text(*evidence, Document{}) ==
        "tcp 172.16.0.40:5000 to 172.16.0.30:80 came 3 times from 08:00:27:e1:3c:c5, which is no "
        "node's in the document, with 31, 29, 27 hops left, last at 2026-01-02T03:04:05.005Z");
}

TEST_CASE("packets of one flow are told apart") {
  LoopDetector detector;
  // A TCP traceroute from far to near, were there one: another packet each time.
  for (std::uint8_t hops = 30; hops > 0; --hops)
    detector.see(suspect(hops, 5000, hops), at(1ms * (30 - hops)));
  CHECK_FALSE(detector.evidence(at(30ms).steady).has_value());
}

TEST_CASE("three times within two seconds, no later") {
  LoopDetector detector;
  detector.see(suspect(31), at(0ms));
  detector.see(suspect(29), at(1900ms));
  detector.see(suspect(27), at(2100ms));
  CHECK_FALSE(detector.evidence(at(2100ms).steady).has_value());
  detector.see(suspect(25), at(2200ms));
  detector.see(suspect(23), at(2300ms));
  CHECK(detector.evidence(at(2300ms).steady).has_value());
}

TEST_CASE("a loop is open for a minute after it was last seen") {
  LoopDetector detector;
  CHECK_FALSE(detector.next().has_value());
  for (const std::chrono::milliseconds begin : {0ms, 30'000ms})
    for (int i = 0; i < 3; ++i)
      detector.see(suspect(static_cast<std::uint8_t>(31 - i)), at(begin + 1ms * i));
  CHECK(detector.next() == at(90'002ms).steady);
  CHECK(detector.evidence(at(90'001ms).steady).has_value());
  CHECK_FALSE(detector.evidence(at(90'002ms).steady).has_value());
  CHECK_FALSE(detector.next().has_value());
}

TEST_CASE("a storm of other packets does not hide a loop") {
  LoopDetector detector;
  std::uint64_t identity = 100;
  for (const int ttl : {31, 29, 27}) {
    detector.see(suspect(static_cast<std::uint8_t>(ttl)), at(0ms));
    for (int i = 0; i < 10'000; ++i) detector.see(suspect(5, 6000, ++identity), at(0ms));
  }
  CHECK(detector.evidence(at(0ms).steady).has_value());
}
