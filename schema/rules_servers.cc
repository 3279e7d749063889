#include <algorithm>
#include <utility>

#include "schema/fault_text.h"
#include "schema/rules.h"

namespace twobox {
namespace {

/// Each node's first address of each family, which serves for it. Looked up for every server, so
/// the lists are searched once.
class ServingAddresses {
 public:
  explicit ServingAddresses(const Document& document) {
    for (const auto& [name, node] : document.nodes)
      for (const IpAddress& address : node.addresses)
        first_.try_emplace({name, address.family()}, &address);
  }

  const IpAddress* of(const NodeName& node, AddressFamily family) const {
    const auto found = first_.find({node, family});
    return found == first_.end() ? nullptr : found->second;
  }

 private:
  std::map<std::pair<NodeName, AddressFamily>, const IpAddress*> first_;
};

/// The servers of one VIP's services.
class ServerCheck {
 public:
  ServerCheck(const RuleCheck& check, const ServingAddresses& serving, const VipName& name,
              const Vip& vip)
      : check_(check),
        serving_(serving),
        name_(name),
        vip_(vip.address.address()),
        is_vip_known_(check.known.is_known(vip_pointer(name) + "/address")) {}

  void check_service(const Service& service, std::size_t index) {
    const std::string place = service_pointer(name_, index);
    Seen seen;
    if (service.servers) {
      for (std::size_t i = 0; i < service.servers->size(); ++i)
        check_server(service, (*service.servers)[i], place, child_pointer(place + "/servers", i),
                     seen);
    } else {
      check_default_servers(place + "/servers");
      see_default_servers(service, place, seen);
    }
    if (service.fallback)
      check_server(service, *service.fallback, place, place + "/fallback", seen);
  }

 private:
  using Seen = FirstPlaces<std::pair<IpAddress, std::uint16_t>>;

  void check_server(const Service& service, const Server& server, const std::string& place,
                    const std::string& pointer, Seen& seen) {
    if (!check_.known.is_known(pointer)) return;
    check_thresholds(server, pointer);
    const auto address = target_address(server, pointer);
    if (!address) return;
    const Port port = server.port.value_or(service.port);
    if (!server.port && !check_.known.is_known(place + "/port")) return;
    if (const auto* const first = seen.see({*address, port.host_order()}, pointer))
      check_.refuse(pointer, found_also(endpoint_text(*address, port.host_order()), *first),
                    "each address and port once in a service");
  }

  void see_default_servers(const Service& service, const std::string& place, Seen& seen) {
    if (!is_vip_known_ || !check_.known.is_known(place + "/port")) return;
    for (const auto& [node, unused] : check_.document.nodes)
      if (const IpAddress* const address = serving_.of(node, vip_.family()))
        seen.see({*address, service.port.host_order()}, node_pointer(node));
  }

  bool is_address_list_known(const NodeName& node) const {
    return check_.known.is_known(node_pointer(node) + "/addresses");
  }

  void check_default_servers(const std::string& pointer) {
    if (!is_vip_known_ || !check_.known.is_known(pointer)) return;
    for (const auto& [node, unused] : check_.document.nodes)
      if (is_address_list_known(node) && serving_.of(node, vip_.family()) == nullptr)
        check_.refuse(pointer,
                      "nothing, so that every node serves, and no " + family() +
                          " address of node " + in_quotes(node),
                      "a list of servers, or an " + family() + " address for each node");
  }

  std::optional<IpAddress> target_address(const Server& server, const std::string& pointer) {
    if (const auto* const node = std::get_if<NodeName>(&server.target))
      return node_address(*node, pointer + "/node");
    const auto& address = *std::get_if<IpAddress>(&server.target);
    if (is_vip_known_) check_address(server, address, pointer + "/address");
    return address;
  }

  std::optional<IpAddress> node_address(const NodeName& node, const std::string& pointer) {
    if (!check_node_exists(check_, node, pointer) || !is_vip_known_ || !is_address_list_known(node))
      return std::nullopt;
    if (const IpAddress* const address = serving_.of(node, vip_.family())) return *address;
    check_.refuse(pointer, in_quotes(node) + ", a node without an " + family() + " address",
                  "a node with one, as the VIP's is");
    return std::nullopt;
  }

  void check_address(const Server& server, const IpAddress& address, const std::string& pointer) {
    if (address == vip_)
      check_.refuse(pointer, address.to_string() + ", the VIP itself",
                    "the address of a machine that serves");
    if (address.family() == vip_.family()) return;
    const std::string found = address.to_string() + " behind an " + family() + " VIP";
    // The kernel starts no sync daemon beside mixed families, and mixes them in tunnels only.
    // (net/netfilter/ipvs/ip_vs_sync.c and ip_vs_ctl.c)
    if (check_.document.sync)
      check_.refuse(pointer, found, "an " + family() + " address, since the document has \"sync\"");
    else if (server.forwarding != Forwarding::kTunnel)
      check_.refuse(pointer, found, "an " + family() + " address, or forwarding \"tunnel\"");
  }

  void check_thresholds(const Server& server, const std::string& pointer) {
    if (server.lower_threshold > server.upper_threshold)
      check_.refuse(
          pointer + "/lower_threshold", std::to_string(server.lower_threshold),
          "at most the \"upper_threshold\", here " + std::to_string(server.upper_threshold));
  }

  std::string family() const { return std::string(family_text(vip_.family())); }

  const RuleCheck& check_;
  const ServingAddresses& serving_;
  const VipName& name_;
  const IpAddress vip_;
  const bool is_vip_known_;
};

}  // namespace

void check_servers(const RuleCheck& check) {
  const ServingAddresses serving(check.document);
  for (const auto& [name, vip] : check.document.vips) {
    ServerCheck servers(check, serving, name, vip);
    for (std::size_t i = 0; i < vip.services.size(); ++i) servers.check_service(vip.services[i], i);
  }
}

}  // namespace twobox
