// Tells from packets that have nearly used up their hop limit whether one goes round in a loop.
// Pure: every moment is an argument.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reconciler/moment.h"
#include "schema/document.h"
#include "schema/net.h"

namespace twobox {

/// Packets with as many hops left are no suspects. Clients are seldom so far away, and of what
/// begins with any usual hop limit, one that goes round comes by often enough below this.
constexpr std::uint8_t kSuspectTtl = 32;

/// A packet to a VIP as it came to this machine, with less than kSuspectTtl hops left.
struct LoopSuspect {
  MacAddress from;
  IpAddress source;
  IpAddress destination;
  std::uint8_t protocol = 0;
  std::uint16_t source_port = 0;  // 0 where the protocol has none
  std::uint16_t destination_port = 0;
  /// IPv4's identification, and what follows the ports: TCP's sequence number, UDP's length and
  /// checksum. The same in each round, another in each packet of a traceroute.
  std::uint64_t identity = 0;
  std::uint8_t ttl = 0;
};

/// One packet, received three times within two seconds with less hops left each time.
struct LoopEvidence {
  LoopSuspect packet;                // as it came last
  std::array<std::uint8_t, 3> ttls;  // falling
  WallTime at;
};

/// "tcp 172.16.0.40:5000 to 172.16.0.30:80 (web) came 3 times from b, with 31, 29, 27 hops
/// left, last at 2026-01-02T03:04:05.678Z".
std::string loop_text(const LoopEvidence& evidence, const Document& document);

class LoopDetector {
 public:
  /// A loop counts as open for so long after it was last seen.
  static constexpr std::chrono::seconds kMemory{60};

  LoopDetector();

  void see(const LoopSuspect& suspect, Moment now);

  /// The newest, while the loop counts as open.
  std::optional<LoopEvidence> evidence(SteadyTime now);
  /// When evidence() will be gone if nothing more is seen; nullopt: it is gone.
  std::optional<SteadyTime> next() const;

 private:
  struct Sighting {
    LoopSuspect packet;
    std::array<std::uint8_t, 3> ttls{};
    std::size_t times = 0;
    SteadyTime first;
  };

  /// Each packet has one place, and one that came lately keeps it: no storm grows this, nor does it
  /// drive out what has been seen twice.
  std::vector<std::optional<Sighting>> sightings_;
  std::optional<LoopEvidence> evidence_;
  SteadyTime seen_;
};

}  // namespace twobox
