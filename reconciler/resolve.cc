#include "reconciler/resolve.h"

#include <algorithm>
#include <cassert>

#include "reconciler/bypass_table.h"
#include "reconciler/sysctl_value.h"

namespace twobox {
namespace {

IpvsServiceConfig service_config(const Vip& vip, const Service& service) {
  IpvsServiceConfig config;
  config.scheduler = service.scheduler;
  config.scheduler_flags = service.scheduler_flags;
  config.one_packet = service.one_packet;
  if (service.persistence_timeout != 0) {
    config.persistence = Persistence{
        service.persistence_timeout,
        service.persistence_prefix_length.value_or(address_bits(vip.address.address().family()))};
  }
  return config;
}

/// The node's address that serves as real server for a VIP of `family`; validate() made sure that a
/// server's node has one.
const IpAddress& server_address(const Node& node, AddressFamily family) {
  const auto found = std::ranges::find(node.addresses, family, &IpAddress::family);
  assert(found != node.addresses.end());
  return *found;
}

/// Absent means: every node, same port, weight 1, direct routing.
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

class Resolver {
 public:
  explicit Resolver(const Document& document) : document_(document) {}

  void add_vip(const VipName& name, const Vip& vip, Role role) {
    desired_.vip_names.emplace(vip.address.address(), name);
    if (role == Role::kMaster) add_wire_address(vip);
    for (const Service& service : vip.services) add_service(vip, service, role);
    if (vip.bypass == Bypass::kRedirect) add_redirect_rules(desired_.kernel);
  }

  void add_sysctls() {
    for (const auto& [name, value] : document_.sysctls)
      desired_.kernel.sysctls[SysctlKey{name}] = SysctlConfig{normal_sysctl_value(value)};
  }

  void add_timeouts() {
    if (!document_.timeouts) return;
    desired_.kernel.ipvs_timeouts[IpvsTimeoutsKey{}] = IpvsTimeoutsConfig{
        document_.timeouts->tcp.value_or(0), document_.timeouts->tcp_fin.value_or(0),
        document_.timeouts->udp.value_or(0)};
  }

  DesiredState take() {
    desired_.prune = document_.prune;
    return std::move(desired_);
  }

 private:
  void add_wire_address(const Vip& vip) {
    const AddressKey key{vip.interface, vip.address};
    AddressConfig config;
    // An IPv6 VIP must not become the source of this node's own connections; preferred_lft 0 keeps
    // it out of source address selection. IPv4 picks the source by route, not by preference.
    config.preferred = vip.address.address().family() == AddressFamily::kIpv4;
    desired_.kernel.addresses.emplace(key, config);
    desired_.announced.insert(key);
  }

  void add_service(const Vip& vip, const Service& service, Role role) {
    const Endpoint endpoint{vip.address.address(), service.protocol, service.port.host_order()};
    const IpvsServiceKey key = endpoint;
    desired_.kernel.ipvs_services.emplace(key, service_config(vip, service));
    for (const Server& server : servers_or_default(document_, service))
      add_server(vip, service, key, server);
    if (vip.bypass == Bypass::kRedirect && role != Role::kMaster)
      add_redirect(desired_.kernel, endpoint);
  }

  void add_server(const Vip& vip, const Service& service, const IpvsServiceKey& key,
                  const Server& server) {
    const auto* const name = std::get_if<NodeName>(&server.target);
    const IpAddress address =
        name != nullptr ? server_address(document_.nodes.at(*name), vip.address.address().family())
                        : std::get<IpAddress>(server.target);
    RealServerConfig config;
    config.forwarding = server.forwarding;
    config.weight = server.weight;
    config.upper_threshold = server.upper_threshold;
    config.lower_threshold = server.lower_threshold;
    const std::uint16_t port = server.port.value_or(service.port).host_order();
    desired_.kernel.ipvs_servers.emplace(RealServerKey{key, address, port}, config);
  }

  const Document& document_;
  DesiredState desired_;
};

}  // namespace

DesiredState resolve(const ValidDocument& document, const Roles& roles) {
  Resolver resolver(*document);
  for (const auto& [name, vip] : document->vips) resolver.add_vip(name, vip, roles.at(name));
  resolver.add_sysctls();
  resolver.add_timeouts();
  return resolver.take();
}

DesiredState nothing_desired() {
  return {};
}

}  // namespace twobox
