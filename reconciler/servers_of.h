// The real servers of one service: in a map by RealServerKey they stand together.
#pragma once

#include <array>
#include <utility>

#include "reconciler/objects.h"

namespace twobox {

/// `Map` is a std::map by RealServerKey, const or not; the first of them and the end, as
/// equal_range.
template <typename Map>
auto servers_of(Map& servers, const IpvsServiceKey& service) {
  const IpAddress lowest = IpAddress::from_ipv4(std::array<std::uint8_t, 4>{});
  const auto first = servers.lower_bound(RealServerKey{service, lowest, 0});
  auto last = first;
  while (last != servers.end() && last->first.service == service) ++last;
  return std::pair(first, last);
}

}  // namespace twobox
