#include "twobox/neighbour_macs.h"

#include <chrono>
#include <map>
#include <set>
#include <thread>

#include "backends/probe/neighbours.h"

namespace twobox {
namespace {

using Clock = std::chrono::steady_clock;

/// A peer that is up answers ARP within this.
constexpr std::chrono::milliseconds kNeighbourPatience{500};

using Place = std::pair<InterfaceName, IpAddress>;

/// Where the peers' addresses are to be found: on every interface that carries a VIP.
std::set<Place> places_of_peers(const Document& document, const NodeName& self) {
  std::set<Place> places;
  for (const auto& [vip_name, vip] : document.vips)
    for (const auto& [name, node] : document.nodes)
      for (const IpAddress& address : node.addresses)
        if (name != self) places.emplace(vip.interface, address);
  return places;
}

NeighbourMacs known_neighbours(const std::set<Place>& places) {
  NeighbourMacs macs;
  std::map<InterfaceName, std::map<IpAddress, MacAddress>> tables;
  for (const auto& [interface, address] : places) {
    if (!tables.contains(interface))
      if (auto read = neighbours(interface)) tables[interface] = *std::move(read);
    const auto found = tables[interface].find(address);
    if (found != tables[interface].end()) macs.emplace(Place(interface, address), found->second);
  }
  return macs;
}

}  // namespace

NeighbourMacs find_neighbours(const Document& document, const NodeName& self) {
  const std::set<Place> places = places_of_peers(document, self);
  for (const auto& [interface, address] : places)
    static_cast<void>(ask_for_neighbour(interface, address));
  const auto deadline = Clock::now() + kNeighbourPatience;
  for (;;) {
    NeighbourMacs macs = known_neighbours(places);
    if (macs.size() == places.size() || Clock::now() >= deadline) return macs;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace twobox
