#include "schema/netmask.h"

#include <bit>
#include <cstdint>

#include "schema/net.h"

namespace twobox {

std::optional<unsigned> netmask_length(std::string_view text) {
  const auto address = IpAddress::parse(text);
  if (!address || address->family() != AddressFamily::kIpv4) return std::nullopt;
  std::uint32_t mask = 0;
  for (const std::uint8_t byte : address->bytes()) mask = mask << 8 | byte;
  const auto length = static_cast<unsigned>(std::countl_one(mask));
  if (length == 0 || static_cast<unsigned>(std::popcount(mask)) != length) return std::nullopt;
  return length;
}

}  // namespace twobox
