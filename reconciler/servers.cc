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

const IpAddress& address_of(const Document& document, const Server& server, AddressFamily family) {
  if (const auto* const name = std::get_if<NodeName>(&server.target))
    return server_address(document.nodes.at(*name), family);
  return std::get<IpAddress>(server.target);
}

bool has_address(const Node& node, const IpAddress& address) {
  return std::ranges::find(node.addresses, address) != node.addresses.end();
}

}  // namespace twobox
