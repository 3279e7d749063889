// Ethernet, IPv4, IPv6 and TCP headers read from frames. Pure; nothing here steps outside its
// bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "schema/net.h"

namespace twobox {

using FrameBytes = std::span<const std::uint8_t>;

/// What an IP header says. Views end with the bytes they were read from.
struct IpPacket {
  IpAddress source;
  IpAddress destination;
  std::uint8_t protocol = 0;         // IPv6: the next header, whatever it is
  std::uint8_t ttl = 0;              // IPv6: hop limit
  std::uint16_t identification = 0;  // IPv6: 0
  FrameBytes payload;                // without what pads a short frame
};

struct EthernetFrame {
  MacAddress source;
  MacAddress destination;
  IpPacket packet;
};

/// Reads a packet from its IP header on; one that was cut off (as within ICMP) gives the payload
/// there is. nullopt: neither IPv4 nor IPv6, cut off within the header, or a fragment that does not
/// begin with its transport header.
std::optional<IpPacket> read_ip(FrameBytes bytes);

/// Reads an untagged Ethernet frame. nullopt: read_ip()'s, or cut off.
std::optional<EthernetFrame> read_frame(FrameBytes bytes);

namespace tcp_flag {
constexpr std::uint8_t kSyn = 0x02;
constexpr std::uint8_t kReset = 0x04;
constexpr std::uint8_t kAcknowledgement = 0x10;
}  // namespace tcp_flag

struct TcpHeader {
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint32_t sequence = 0;
  std::uint32_t acknowledgement = 0;
  std::uint8_t flags = 0;
};

/// nullopt: shorter than a header.
std::optional<TcpHeader> read_tcp(FrameBytes payload);

/// The two ports and the next four bytes, TCP's sequence number, that ICMP errors return at least
/// (RFC 792); the rest stays zero. nullopt: shorter than eight bytes.
std::optional<TcpHeader> read_tcp_beginning(FrameBytes payload);

}  // namespace twobox
