#include "reconciler/servers.h"

#include <algorithm>
#include <cassert>

namespace twobox {

std::vector<Server> servers_or_default(const Document& document, const Service& service) {
  if (service.servers) return *service.servers;
  std::vector<Server> servers;
  for (const auto& [name, node] : document.nodes) {
    Server server;
    server.target = name;
    servers.push_back(std::move(server));
  }
  return servers;
}

const IpAddress& server_address(const Node& node, AddressFamily family) {
  const auto found = std::ranges::find(node.addresses, family, &IpAddress::family);
  assert(found != node.addresses.end());
  return *found;
}

}  // namespace twobox
