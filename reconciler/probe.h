// A question to a TCP service by one frame, and what may come of it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "schema/net.h"

namespace twobox {

/// What a probe asks, and how it gets there. All addresses are of one family.
struct ProbeTarget {
  InterfaceName interface;     // it goes out here
  MacAddress source_mac;       // may be made up; this machine's own makes it look like its director
  MacAddress destination_mac;  // of the machine that is to handle it
  IpAddress source;            // answers go there: to be seen, an address of this machine
  IpAddress destination;
  Port port;
};

/// A probe's hop limit when it leaves.
constexpr std::uint8_t kProbeTtl = 64;

enum class ProbeResult : std::uint8_t {
  kAnswered,      // a socket listens there
  kRefused,       // by RST
  kUnreachable,   // by ICMP
  kTimeExceeded,  // by ICMP: it went round until its hop limit was used up
  kCameBack,      // it was forwarded to this machine, and nobody answered in time
  kTimedOut,
};

/// The probe itself as it came to this machine.
struct ProbeReturn {
  MacAddress from;       // who forwarded it
  std::uint8_t ttl = 0;  // kProbeTtl less one for each machine it went through
};

struct ProbeOutcome {
  ProbeResult result = ProbeResult::kTimedOut;
  std::optional<MacAddress> from;    // the source of the frame that said so
  std::uint8_t ttl = 0;              // of that frame
  std::vector<ProbeReturn> returns;  // in order, also before an answer; the first kMaxReturns
};
constexpr std::size_t kMaxReturns = 64;

}  // namespace twobox
