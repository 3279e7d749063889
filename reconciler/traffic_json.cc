#include "reconciler/traffic_json.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "reconciler/fields_json.h"
#include "reconciler/service_key.h"

namespace twobox {
namespace {

using Json = nlohmann::ordered_json;

template <typename List>
Json texts(const List& list) {
  Json array = Json::array();
  for (const auto& item : list) array.push_back(item.to_string());
  return array;
}

Json nodes_json(const NodeView& view) {
  Json nodes = Json::object();
  for (const auto& [name, node] : view.document.nodes)
    nodes[name] = {{"addresses", texts(node.addresses)},
                   {"macs", texts(node.macs)},
                   {"self", name == view.node}};
  return nodes;
}

/// The node whose address it is, or null.
Json node_at(const Document& document, const IpAddress& address) {
  for (const auto& [name, node] : document.nodes)
    if (std::ranges::find(node.addresses, address) != node.addresses.end()) return name;
  return nullptr;
}

Json server_json(const NodeView& view, const RealServerKey& key, const RealServerConfig& config) {
  const auto found = view.traffic.servers.find(key);
  const RealServerTraffic counted =
      found == view.traffic.servers.end() ? RealServerTraffic{} : found->second;
  return {{"node", node_at(view.document, key.address)},
          {"address", key.address.to_string()},
          {"port", key.port},
          {"forwarding", to_string(config.forwarding)},
          {"weight", config.weight},
          {"active_connections", counted.active_connections},
          {"inactive_connections", counted.inactive_connections},
          {"connections", counted.counters.connections},
          {"packets_in", counted.counters.packets_in},
          {"bytes_in", counted.counters.bytes_in}};
}

/// A service's servers stand together, because it is what they are sorted by first.
Json servers_json(const NodeView& view, const IpvsServiceKey& service) {
  const auto& servers = view.observed.kernel.ipvs_servers;
  const auto of_service = [](const auto& entry) -> const IpvsServiceKey& {
    return entry.first.service;
  };
  const IpAddress lowest = IpAddress::from_ipv4(std::array<std::uint8_t, 4>{});
  Json array = Json::array();
  for (auto next = servers.lower_bound(RealServerKey{service, lowest, 0});
       next != servers.end() && of_service(*next) == service; ++next)
    array.push_back(server_json(view, next->first, next->second));
  return array;
}

/// The service and its servers as the kernel has them now.
Json service_json(const NodeView& view, const Vip& vip, const Service& service) {
  const IpvsServiceKey key = service_key(vip, service, view.node);
  const auto* const mark = std::get_if<FirewallMark>(&key);
  const auto found = view.traffic.services.find(key);
  const IpvsCounters counted =
      found == view.traffic.services.end() ? IpvsCounters{} : found->second;
  return {{"protocol", to_string(service.protocol)},
          {"port", service.port.host_order()},
          {"mark", mark == nullptr ? Json(nullptr) : Json(mark->mark)},
          {"scheduler", service.scheduler},
          {"connections", counted.connections},
          {"packets_in", counted.packets_in},
          {"bytes_in", counted.bytes_in},
          {"packets_out", counted.packets_out},
          {"bytes_out", counted.bytes_out},
          {"servers", servers_json(view, key)}};
}

/// Who is master, as far as this node can know.
Json master_of(const NodeView& view, const Vip& vip, Role role) {
  if (role == Role::kMaster) return view.node;
  if (const auto* const named = std::get_if<MasterNode>(&vip.role); named != nullptr)
    return named->node == view.node ? Json(nullptr) : Json(named->node);
  if (view.document.nodes.size() != 2) return nullptr;
  const auto& first = *view.document.nodes.begin();
  return first.first == view.node ? view.document.nodes.rbegin()->first : first.first;
}

Json path_json(const std::vector<PathStep>& path) {
  Json steps = Json::array();
  for (const PathStep& step : path)
    steps.push_back({{"step", step.step},
                     {"state", to_string(step.state)},
                     {"text", step.text},
                     {"packets", step.packets ? Json(*step.packets) : Json(nullptr)}});
  return steps;
}

Json vip_json(const NodeView& view, const VipName& name, Role role) {
  const Vip& vip = view.document.vips.at(name);
  Json services = Json::array();
  for (const Service& service : vip.services) services.push_back(service_json(view, vip, service));
  return {{"address", vip.address.address().to_string()},
          {"interface", vip.interface.str()},
          {"role", to_string(role)},
          {"master", master_of(view, vip, role)},
          {"bypass", to_string(vip.bypass)},
          {"path", path_json(packet_path(view, name, role))},
          {"services", std::move(services)}};
}

}  // namespace

std::string traffic_json(const NodeView& view, const Roles& roles, WallTime at) {
  Json vips = Json::object();
  for (const auto& [name, role] : roles) vips[name] = vip_json(view, name, role);
  return json_text({{"format", 1},
                    {"at", time_text(at)},
                    {"node", view.node},
                    {"nodes", nodes_json(view)},
                    {"vips", std::move(vips)}});
}

}  // namespace twobox
