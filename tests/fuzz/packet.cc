// Frames from the wire: whatever a packet socket may hand over.
#include <algorithm>
#include <cstdint>

#include "backends/loop_watch/loop_watch.h"
#include "backends/packet/headers.h"
#include "backends/probe/claims.h"
#include "backends/probe/frame.h"
#include "tests/fuzz/require.h"

using namespace twobox;
using twobox::fuzz::require;

namespace {

void require_within(FrameBytes part, FrameBytes whole) {
  require(part.empty() || (part.data() >= whole.data() &&
                           part.data() + part.size() <= whole.data() + whole.size()),
          "a payload is part of its frame");
}

void read(FrameBytes bytes) {
  if (const auto packet = read_ip(bytes)) require_within(packet->payload, bytes);
  const auto tcp = read_tcp(bytes);
  const auto beginning = read_tcp_beginning(bytes);
  require(!tcp || (beginning && beginning->sequence == tcp->sequence),
          "a whole TCP header begins with its beginning");
  const auto frame = read_frame(bytes);
  if (!frame) return;
  require_within(frame->packet.payload, bytes);
  read_echo(*frame);
  const auto suspect = read_suspect(bytes, {frame->packet.destination});
  require(!suspect || suspect->destination == frame->packet.destination, "a suspect is to a VIP");
}

/// A probe between the two ends of a frame comes back as itself.
void probe(const EthernetFrame& frame, std::uint16_t tag, std::uint16_t number) {
  const auto port = Port::from_number(number);
  if (!port || frame.packet.source.family() != frame.packet.destination.family()) return;
  const ProbeTarget target{
      loopback(), frame.source, frame.destination, frame.packet.source, frame.packet.destination,
      *port};
  const ProbeCookie cookie{tag, number};
  const std::vector<std::uint8_t> probe_bytes = encode_probe(target, cookie);
  const auto sent = read_frame(probe_bytes);
  require(sent.has_value(), "a probe is a frame");
  const auto echo = read_echo(*sent);
  require(echo && echo->sign == ProbeSign::kProbeItself && echo->cookie == cookie &&
              echo->asked == target.destination && echo->port == *port,
          "a probe is read as itself");
  const std::vector<std::uint8_t> reset_bytes = encode_reset(target, cookie);
  const auto reset = read_frame(reset_bytes);
  require(reset && !read_echo(*reset), "the end of a probe is no echo");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const FrameBytes bytes(data, size);
  read(bytes);
  read_claim(bytes);
  if (const auto frame = read_frame(bytes); frame && frame->packet.payload.size() >= 4) {
    const FrameBytes ports = frame->packet.payload;
    probe(*frame, static_cast<std::uint16_t>(ports[0] << 8 | ports[1]),
          static_cast<std::uint16_t>(ports[2] << 8 | ports[3]));
  }
  return 0;
}
