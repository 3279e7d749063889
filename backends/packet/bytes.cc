#include "backends/packet/bytes.h"

namespace twobox {

void put_16(PacketBytes& bytes, std::uint32_t value) {
  bytes.push_back(static_cast<std::uint8_t>(value >> 8));
  bytes.push_back(static_cast<std::uint8_t>(value));
}

void put_32(PacketBytes& bytes, std::uint32_t value) {
  put_16(bytes, value >> 16);
  put_16(bytes, value & 0xffff);
}

void set_16(PacketBytes& bytes, std::size_t at, std::uint16_t value) {
  bytes[at] = static_cast<std::uint8_t>(value >> 8);
  bytes[at + 1] = static_cast<std::uint8_t>(value);
}

std::uint16_t checksum(FrameBytes bytes) {
  std::uint32_t sum = 0;
  for (std::size_t at = 0; at + 1 < bytes.size(); at += 2)
    sum += static_cast<std::uint32_t>(bytes[at] << 8 | bytes[at + 1]);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

std::uint16_t checksum_within_ip(const IpAddress& source, const IpAddress& destination,
                                 std::uint8_t protocol, FrameBytes packet) {
  PacketBytes summed;
  put(summed, source.bytes());
  put(summed, destination.bytes());
  put_32(summed, static_cast<std::uint32_t>(packet.size()));
  put_32(summed, protocol);
  put(summed, packet);
  return checksum(summed);
}

}  // namespace twobox
