// Packets written byte by byte, numbers in network order. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "backends/packet/headers.h"

namespace twobox {

using PacketBytes = std::vector<std::uint8_t>;

void put_16(PacketBytes& bytes, std::uint32_t value);  // its lower half
void put_32(PacketBytes& bytes, std::uint32_t value);

template <typename Range>
void put(PacketBytes& bytes, const Range& range) {
  bytes.insert(bytes.end(), range.begin(), range.end());
}

/// Overwrites two bytes that are there.
void set_16(PacketBytes& bytes, std::size_t at, std::uint16_t value);

/// The one's complement sum of RFC 1071 over an even number of bytes.
std::uint16_t checksum(FrameBytes bytes);

/// Of an upper layer's packet, whose own checksum is zero: behind a pseudo header of both addresses
/// (RFC 9293, 3.1; RFC 8200, 8.1). An even number of bytes.
std::uint16_t checksum_within_ip(const IpAddress& source, const IpAddress& destination,
                                 std::uint8_t protocol, FrameBytes packet);

}  // namespace twobox
