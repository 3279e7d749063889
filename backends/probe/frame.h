// The frames of a probe: TCP's first packet, the reset that takes it back, and what comes of it.
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "backends/packet/filter.h"
#include "backends/packet/headers.h"
#include "reconciler/probe.h"
#include "schema/net.h"

namespace twobox {

/// By what a probe is known in whatever comes back.
struct ProbeCookie {
  std::uint16_t tag = 0;     // of all probes of one prober
  std::uint16_t number = 0;  // of the probe; 0xffff is none, since answers acknowledge one more
  friend bool operator==(const ProbeCookie&, const ProbeCookie&) = default;
};

/// Probes come from the ports 0xf000 to 0xffff, above those the kernel gives out by default
/// (net.ipv4.ip_local_port_range), by the number's lower bits.
constexpr std::uint16_t kProbePorts = 0xf000;
constexpr std::uint16_t source_port(ProbeCookie cookie) {
  return kProbePorts | (cookie.number & 0x0fffU);
}

/// The whole frame of the probe: a SYN.
std::vector<std::uint8_t> encode_probe(const ProbeTarget& target, ProbeCookie cookie);
/// The frame that ends what the probe began: a RST.
std::vector<std::uint8_t> encode_reset(const ProbeTarget& target, ProbeCookie cookie);

enum class ProbeSign : std::uint8_t {
  kAnswer,        // SYN-ACK: a socket listens
  kRefusal,       // RST
  kUnreachable,   // ICMP
  kTimeExceeded,  // ICMP
  kProbeItself,   // somebody forwarded it here
};

/// What one frame says about a probe.
struct ProbeEcho {
  ProbeSign sign = ProbeSign::kAnswer;
  ProbeCookie cookie;
  IpAddress asked;       // the probe's destination
  Port port;             // and port
  MacAddress from;       // the frame's source
  std::uint8_t ttl = 0;  // of the frame
};

/// nullopt: no sign of a probe.
std::optional<ProbeEcho> read_echo(const EthernetFrame& frame);

/// Takes what read_echo() reads of probes with this tag, and next to nothing else.
std::vector<FramePattern> echo_patterns(std::uint16_t tag);

}  // namespace twobox
