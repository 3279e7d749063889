#include "backends/probe/frame.h"

#include <algorithm>

#include "backends/packet/bytes.h"

namespace twobox {
namespace {

constexpr std::uint8_t kIcmp = 1;
constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kIcmpv6 = 58;
constexpr std::size_t kTcpHeader = 20;
constexpr std::size_t kIcmpHeader = 8;
constexpr std::uint16_t kWindow = 64240;  // as Linux opens connections on Ethernet

std::uint32_t sequence(ProbeCookie cookie) {
  return std::uint32_t{cookie.tag} << 16 | cookie.number;
}

ProbeCookie cookie_in(std::uint32_t sequence) {
  return {static_cast<std::uint16_t>(sequence >> 16), static_cast<std::uint16_t>(sequence)};
}

PacketBytes tcp_segment(const ProbeTarget& target, ProbeCookie cookie, std::uint32_t number,
                        std::uint8_t flags) {
  PacketBytes segment;
  put_16(segment, source_port(cookie));
  put_16(segment, target.port.host_order());
  put_32(segment, number);
  put_32(segment, 0);
  segment.push_back(kTcpHeader / 4 << 4);
  segment.push_back(flags);
  put_16(segment, kWindow);
  put_32(segment, 0);  // checksum, urgent pointer

  set_16(segment, 16, checksum_within_ip(target.source, target.destination, kTcp, segment));
  return segment;
}

PacketBytes ipv4_header(const ProbeTarget& target, ProbeCookie cookie) {
  PacketBytes header = {0x45, 0};
  put_16(header, 20 + kTcpHeader);
  put_16(header, cookie.number);
  put_16(header, 0x4000);  // don't fragment
  header.push_back(kProbeTtl);
  header.push_back(kTcp);
  put_16(header, 0);
  put(header, target.source.bytes());
  put(header, target.destination.bytes());
  set_16(header, 10, checksum(header));
  return header;
}

PacketBytes ipv6_header(const ProbeTarget& target) {
  PacketBytes header = {0x60, 0, 0, 0};
  put_16(header, kTcpHeader);
  header.push_back(kTcp);
  header.push_back(kProbeTtl);
  put(header, target.source.bytes());
  put(header, target.destination.bytes());
  return header;
}

PacketBytes encode(const ProbeTarget& target, ProbeCookie cookie, std::uint32_t number,
                   std::uint8_t flags) {
  const bool ipv4 = target.destination.family() == AddressFamily::kIpv4;
  PacketBytes frame;
  put(frame, target.destination_mac.bytes());
  put(frame, target.source_mac.bytes());
  put_16(frame, ipv4 ? 0x0800 : 0x86dd);
  put(frame, ipv4 ? ipv4_header(target, cookie) : ipv6_header(target));
  put(frame, tcp_segment(target, cookie, number, flags));
  return frame;
}

/// One more than what was sent is what a SYN's receiver expects next.
ProbeCookie cookie_answered(const TcpHeader& tcp) {
  return cookie_in(tcp.acknowledgement - 1);
}

std::optional<ProbeEcho> read_segment(const EthernetFrame& frame) {
  const auto tcp = read_tcp(frame.packet.payload);
  if (!tcp) return std::nullopt;
  const bool syn = (tcp->flags & tcp_flag::kSyn) != 0;
  const bool acknowledges = (tcp->flags & tcp_flag::kAcknowledgement) != 0;
  const bool reset = (tcp->flags & tcp_flag::kReset) != 0;
  if (!acknowledges && !(syn && !reset)) return std::nullopt;
  if (acknowledges && !syn && !reset) return std::nullopt;

  const bool itself = !acknowledges;
  const auto port = Port::from_number(itself ? tcp->destination_port : tcp->source_port);
  const ProbeCookie cookie = itself ? cookie_in(tcp->sequence) : cookie_answered(*tcp);
  const std::uint16_t own_port = itself ? tcp->source_port : tcp->destination_port;
  if (!port || own_port != source_port(cookie)) return std::nullopt;
  return ProbeEcho{itself  ? ProbeSign::kProbeItself
                   : reset ? ProbeSign::kRefusal
                           : ProbeSign::kAnswer,
                   cookie,
                   itself ? frame.packet.destination : frame.packet.source,
                   *port,
                   frame.source,
                   frame.packet.ttl};
}

/// ICMP's types and ICMPv6's (RFC 792, RFC 4443).
std::optional<ProbeSign> icmp_sign(std::uint8_t protocol, std::uint8_t type) {
  if (type == (protocol == kIcmp ? 3 : 1)) return ProbeSign::kUnreachable;
  if (type == (protocol == kIcmp ? 11 : 3)) return ProbeSign::kTimeExceeded;
  return std::nullopt;
}

std::optional<ProbeEcho> read_icmp(const EthernetFrame& frame) {
  const FrameBytes payload = frame.packet.payload;
  if (payload.size() < kIcmpHeader) return std::nullopt;
  const auto sign = icmp_sign(frame.packet.protocol, payload[0]);
  const auto about = read_ip(payload.subspan(kIcmpHeader));
  if (!sign || !about || about->protocol != kTcp) return std::nullopt;
  const auto tcp = read_tcp_beginning(about->payload);
  if (!tcp) return std::nullopt;
  const auto port = Port::from_number(tcp->destination_port);
  const ProbeCookie cookie = cookie_in(tcp->sequence);
  if (!port || tcp->source_port != source_port(cookie)) return std::nullopt;
  return ProbeEcho{*sign, cookie, about->destination, *port, frame.source, frame.packet.ttl};
}

/// What echo_patterns() tests, by family.
struct Layout {
  FramePattern (*frame)();
  std::uint32_t protocol_at;  // within the IP header
  std::uint32_t ip_header;
  std::uint32_t icmp;
};

FramePattern with_protocol(const Layout& layout, std::uint32_t protocol) {
  FramePattern pattern = layout.frame();
  pattern.among.push_back({{frame_offset::kIp + layout.protocol_at, 1}, {protocol}});
  return pattern;
}

/// A port of a probe here and the tag there.
void add_cookie(FramePattern& pattern, std::uint32_t port_at, std::uint32_t tag_at,
                std::uint16_t tag) {
  pattern.among.push_back({{port_at, 2, kProbePorts}, {kProbePorts}});
  pattern.among.push_back({{tag_at, 2}, {tag}});
}

void add_patterns(std::vector<FramePattern>& patterns, const Layout& layout, std::uint16_t tag) {
  const std::uint32_t tcp = frame_offset::kIp + layout.ip_header;
  FramePattern answer = with_protocol(layout, kTcp);
  add_cookie(answer, tcp + 2, tcp + 8, tag);
  FramePattern itself = with_protocol(layout, kTcp);
  add_cookie(itself, tcp, tcp + 4, tag);
  FramePattern error = with_protocol(layout, layout.icmp);
  const std::uint32_t inner = tcp + kIcmpHeader;
  error.among.push_back({{inner + layout.protocol_at, 1}, {kTcp}});
  add_cookie(error, inner + layout.ip_header, inner + layout.ip_header + 4, tag);
  for (FramePattern* pattern : {&answer, &itself, &error}) patterns.push_back(std::move(*pattern));
}

}  // namespace

std::vector<std::uint8_t> encode_probe(const ProbeTarget& target, ProbeCookie cookie) {
  return encode(target, cookie, sequence(cookie), tcp_flag::kSyn);
}

std::vector<std::uint8_t> encode_reset(const ProbeTarget& target, ProbeCookie cookie) {
  return encode(target, cookie, sequence(cookie) + 1, tcp_flag::kReset);
}

std::optional<ProbeEcho> read_echo(const EthernetFrame& frame) {
  switch (frame.packet.protocol) {
    case kTcp:
      return read_segment(frame);
    case kIcmp:
    case kIcmpv6:
      return read_icmp(frame);
    default:
      return std::nullopt;
  }
}

std::vector<FramePattern> echo_patterns(std::uint16_t tag) {
  std::vector<FramePattern> patterns;
  add_patterns(patterns, {ipv4_frame, 9, 20, kIcmp}, tag);
  add_patterns(patterns, {ipv6_frame, 6, 40, kIcmpv6}, tag);
  return patterns;
}

}  // namespace twobox
