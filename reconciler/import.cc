#include "reconciler/import.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace twobox {
namespace {

constexpr std::size_t kMaxNodes = 16;

using NamesByAddress = std::map<IpAddress, NodeName>;

std::vector<Node> group_by_mac(const std::set<IpAddress>& addresses, const MacsByAddress& macs) {
  std::vector<Node> nodes;
  for (const IpAddress& address : addresses) {
    const auto mac = macs.find(address);
    const auto same = std::ranges::find_if(nodes, [&](const Node& node) {
      return mac != macs.end() && node.macs == std::vector{mac->second};
    });
    if (same != nodes.end()) {
      same->addresses.push_back(address);
      continue;
    }
    nodes.push_back({{address}, {}, {}});
    if (mac != macs.end()) nodes.back().macs.push_back(mac->second);
  }
  return nodes;
}

void name_target(Server& server, const NamesByAddress& names) {
  const auto* const address = std::get_if<IpAddress>(&server.target);
  if (address == nullptr) return;
  const auto found = names.find(*address);
  if (found != names.end()) server.target = found->second;
}

/// True when each node is there once, as it is by default.
bool is_default(const std::vector<Server>& servers, const Document& document) {
  std::set<NodeName> seen;
  for (const Server& server : servers) {
    const auto* const name = std::get_if<NodeName>(&server.target);
    if (name == nullptr || server != Server{.target = *name, .port = {}}) return false;
    seen.insert(*name);
  }
  return seen.size() == servers.size() && seen.size() == document.nodes.size();
}

void name_servers(Service& service, const NamesByAddress& names, const Document& document) {
  if (service.fallback) name_target(*service.fallback, names);
  if (!service.servers) return;
  for (Server& server : *service.servers) name_target(server, names);
  if (is_default(*service.servers, document)) service.servers.reset();
}

}  // namespace

void add_vip(Document& document, Vip vip) {
  document.vips.emplace("vip-" + std::to_string(document.vips.size() + 1), std::move(vip));
}

void name_nodes(Import& import, const std::set<IpAddress>& addresses, const MacsByAddress& macs) {
  std::vector<Node> nodes = group_by_mac(addresses, macs);
  if (nodes.size() > kMaxNodes) {
    import.notes.push_back(
        std::to_string(nodes.size()) +
        " machines could be nodes, and a document has 16 at most: the others are "
        "servers by address");
    nodes.resize(kMaxNodes, Node{{}, {}, {}});
  }
  NamesByAddress names;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const NodeName name(1, static_cast<char>('a' + i));
    for (const IpAddress& address : nodes[i].addresses) names.emplace(address, name);
    import.document.nodes.emplace(name, std::move(nodes[i]));
  }
  for (auto& [name, vip] : import.document.vips)
    for (Service& service : vip.services) name_servers(service, names, import.document);
}

}  // namespace twobox
