#include "backends/packet/headers.h"

#include <algorithm>

namespace twobox {
namespace {

constexpr std::size_t kEthernetHeader = 14;
constexpr std::uint16_t kTypeIpv4 = 0x0800;
constexpr std::uint16_t kTypeIpv6 = 0x86dd;
constexpr std::size_t kIpv4Header = 20;
constexpr std::size_t kIpv6Header = 40;
constexpr std::size_t kTcpHeader = 20;
constexpr std::uint16_t kFragmentOffset = 0x1fff;

std::uint16_t read_16(FrameBytes bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

std::uint32_t read_32(FrameBytes bytes, std::size_t at) {
  return std::uint32_t{read_16(bytes, at)} << 16 | read_16(bytes, at + 2);
}

std::optional<IpPacket> read_ipv4(FrameBytes bytes) {
  if (bytes.size() < kIpv4Header) return std::nullopt;
  const std::size_t header = std::size_t{bytes[0] & 0x0fU} * 4;
  const std::size_t length = read_16(bytes, 2);
  if (header < kIpv4Header || bytes.size() < header || length < header) return std::nullopt;
  if ((read_16(bytes, 6) & kFragmentOffset) != 0) return std::nullopt;
  return IpPacket{.source = IpAddress::from_ipv4(bytes.subspan<12, 4>()),
                  .destination = IpAddress::from_ipv4(bytes.subspan<16, 4>()),
                  .protocol = bytes[9],
                  .ttl = bytes[8],
                  .identification = read_16(bytes, 4),
                  .payload = bytes.subspan(header, std::min(length, bytes.size()) - header)};
}

std::optional<IpPacket> read_ipv6(FrameBytes bytes) {
  if (bytes.size() < kIpv6Header) return std::nullopt;
  const std::size_t length = read_16(bytes, 4);
  return IpPacket{
      .source = IpAddress::from_ipv6(bytes.subspan<8, 16>()),
      .destination = IpAddress::from_ipv6(bytes.subspan<24, 16>()),
      .protocol = bytes[6],
      .ttl = bytes[7],
      .identification = 0,
      .payload = bytes.subspan(kIpv6Header, std::min(length, bytes.size() - kIpv6Header))};
}

}  // namespace

std::optional<IpPacket> read_ip(FrameBytes bytes) {
  if (bytes.empty()) return std::nullopt;
  switch (bytes[0] >> 4) {
    case 4:
      return read_ipv4(bytes);
    case 6:
      return read_ipv6(bytes);
    default:
      return std::nullopt;
  }
}

std::optional<EthernetFrame> read_frame(FrameBytes bytes) {
  if (bytes.size() < kEthernetHeader) return std::nullopt;
  const std::uint16_t type = read_16(bytes, 12);
  if (type != kTypeIpv4 && type != kTypeIpv6) return std::nullopt;
  const auto packet = read_ip(bytes.subspan(kEthernetHeader));
  if (!packet) return std::nullopt;
  return EthernetFrame{.source = MacAddress::from_bytes(bytes.subspan<6, 6>()),
                       .destination = MacAddress::from_bytes(bytes.subspan<0, 6>()),
                       .packet = *packet};
}

std::optional<TcpHeader> read_tcp(FrameBytes payload) {
  if (payload.size() < kTcpHeader) return std::nullopt;
  return TcpHeader{.source_port = read_16(payload, 0),
                   .destination_port = read_16(payload, 2),
                   .sequence = read_32(payload, 4),
                   .acknowledgement = read_32(payload, 8),
                   .flags = payload[13]};
}

std::optional<TcpHeader> read_tcp_beginning(FrameBytes payload) {
  if (payload.size() < 8) return std::nullopt;
  return TcpHeader{.source_port = read_16(payload, 0),
                   .destination_port = read_16(payload, 2),
                   .sequence = read_32(payload, 4)};
}

}  // namespace twobox
