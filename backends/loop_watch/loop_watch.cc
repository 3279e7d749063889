#include "backends/loop_watch/loop_watch.h"

#include <utility>

namespace twobox {
namespace {

/// Headers, options and ports included.
constexpr std::uint32_t kSuspectBytes = 128;
constexpr std::size_t kFramesPerDrain = 512;

/// A family's headers: where the hop limit is and where the destination's last four bytes are.
struct SuspectLayout {
  AddressFamily family;
  FramePattern (*frame)();
  std::uint32_t ttl_at;
  std::uint32_t destination_end_at;
};
constexpr SuspectLayout kLayouts[] = {
    {AddressFamily::kIpv4, ipv4_frame, frame_offset::kIp + 8, frame_offset::kIp + 16},
    {AddressFamily::kIpv6, ipv6_frame, frame_offset::kIp + 7, frame_offset::kIp + 36},
};

std::uint32_t last_four(FrameBytes bytes) {
  std::uint32_t value = 0;
  for (const std::uint8_t byte : bytes.last<4>()) value = value << 8 | byte;
  return value;
}

}  // namespace

std::vector<FramePattern> suspect_patterns(const std::set<IpAddress>& vips) {
  std::vector<FramePattern> patterns;
  for (const SuspectLayout& layout : kLayouts) {
    std::set<std::uint32_t> ends;
    for (const IpAddress& vip : vips)
      if (vip.family() == layout.family) ends.insert(last_four(vip.bytes()));
    if (ends.empty()) continue;
    FramePattern pattern = layout.frame();
    pattern.below.push_back({{layout.ttl_at, 1}, kSuspectTtl});
    if (ends.size() <= kMaxFieldValues)
      pattern.among.push_back({{layout.destination_end_at, 4}, {ends.begin(), ends.end()}});
    patterns.push_back(std::move(pattern));
  }
  return patterns;
}

std::optional<LoopSuspect> read_suspect(FrameBytes bytes, const std::set<IpAddress>& vips) {
  const auto frame = read_frame(bytes);
  if (!frame || frame->packet.ttl >= kSuspectTtl || !vips.contains(frame->packet.destination))
    return std::nullopt;
  const IpPacket& packet = frame->packet;
  // Of any protocol: those without ports have something else there that stays the same.
  const TcpHeader beginning = read_tcp_beginning(packet.payload).value_or(TcpHeader{});
  return LoopSuspect{.from = frame->source,
                     .source = packet.source,
                     .destination = packet.destination,
                     .protocol = packet.protocol,
                     .source_port = beginning.source_port,
                     .destination_port = beginning.destination_port,
                     .identity = std::uint64_t{packet.identification} << 32 | beginning.sequence,
                     .ttl = packet.ttl};
}

Result<LoopWatch> LoopWatch::open() {
  auto socket = PacketSocket::open();
  if (!socket) return socket.error();
  return LoopWatch(*std::move(socket));
}

Status LoopWatch::set_vips(std::set<IpAddress> vips) {
  if (vips == vips_) return success();
  const auto program = compile_filter(suspect_patterns(vips), kSuspectBytes);
  if (const Status set = socket_.set_filter(program); !set) return set.error();
  vips_ = std::move(vips);
  return success();
}

std::vector<LoopSuspect> LoopWatch::drain() {
  std::vector<LoopSuspect> suspects;
  socket_.receive(kFramesPerDrain, [&](FrameBytes bytes, int) {
    if (const auto suspect = read_suspect(bytes, vips_)) suspects.push_back(*suspect);
  });
  return suspects;
}

}  // namespace twobox
