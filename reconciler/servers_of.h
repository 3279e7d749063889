// The real servers of one service: in a map by RealServerKey they stand together.
#pragma once

#include <array>
#include <ranges>

#include "reconciler/objects.h"

namespace twobox {

/// `Map` is a std::map by RealServerKey, const or not; the iterators are its own.
template <typename Map>
auto servers_of(Map& servers, const IpvsServiceKey& service) {
  const IpAddress lowest = IpAddress::from_ipv4(std::array<std::uint8_t, 4>{});
  const auto first = servers.lower_bound(RealServerKey{service, lowest, 0});
  auto last = first;
  while (last != servers.end() && last->first.service == service) ++last;
  return std::ranges::subrange(first, last);
}

}  // namespace twobox
