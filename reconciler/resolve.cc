#include "reconciler/resolve.h"

#include "reconciler/bypass_table.h"
#include "reconciler/resolve_servers.h"
#include "reconciler/roles.h"
#include "reconciler/servers.h"
#include "reconciler/service_key.h"
#include "reconciler/sync_daemon.h"
#include "reconciler/sysctl_value.h"
#include "schema/bypass_sysctls.h"

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

std::set<MacAddress> peer_macs(const Document& document, const NodeName& own) {
  std::set<MacAddress> macs;
  for (const auto& [name, node] : document.nodes)
    if (name != own) macs.insert(node.macs.begin(), node.macs.end());
  return macs;
}

Endpoint endpoint_of(const Vip& vip, const Service& service) {
  return {vip.address.address(), service.protocol, service.port.host_order()};
}

class Resolver {
 public:
  Resolver(const Document& document, const NodeName& node, const ServerEvidence& evidence)
      : document_(document), node_(node), evidence_(evidence), servers_(document, evidence) {
    if (document.sync) desired_.redirect_of = RedirectOf::kFirstPacket;
  }

  void add_vip(const VipName& name, const Vip& vip, Role role) {
    const IpAddress& address = vip.address.address();
    desired_.vip_names.emplace(address, name);
    if (is_followed(vip.role)) {
      desired_.followed.emplace(address, vip.interface);
    } else if (role == Role::kMaster) {
      add_wire_address(vip);
    }
    if (is_parked_on_loopback(document_, vip)) park(address);
    for (const auto& [sysctl, value] : bypass_sysctls(document_, vip)) hold(sysctl, value);
    for (const Service& service : vip.services) add_service(name, vip, service, role);
    if (vip.bypass == Bypass::kRedirect) add_redirect_rules(desired_.kernel, desired_.redirect_of);
    if (vip.bypass == Bypass::kMacMark)
      add_mac_mark_rules(desired_.kernel, peer_macs(document_, node_));
  }

  void add_sysctls() {
    for (const auto& [name, value] : document_.sysctls) hold(name, value);
  }

  void add_timeouts() {
    if (!document_.timeouts) return;
    desired_.kernel.ipvs_timeouts[IpvsTimeoutsKey{}] = IpvsTimeoutsConfig{
        document_.timeouts->tcp.value_or(0), document_.timeouts->tcp_fin.value_or(0),
        document_.timeouts->udp.value_or(0)};
  }

  DesiredState take(const Roles& roles) {
    add_sync_daemons(desired_.kernel, document_, roles);
    desired_.manages_sync_daemon = document_.sync.has_value();
    desired_.prune = document_.prune;
    if (evidence_.drain_begins == nullptr)
      desired_.leaving.otherwise = DrainStage::kEmptying;
    else
      add_stages(desired_.leaving, *evidence_.drain_begins, evidence_.now);
    return std::move(desired_);
  }

 private:
  /// An IPv6 VIP must not become the source of this node's own connections; preferred_lft 0 keeps
  /// it out of source address selection. IPv4 picks the source by route, not by preference.
  static AddressConfig vip_config(const IpAddress& address) {
    AddressConfig config;
    config.preferred = address.family() == AddressFamily::kIpv4;
    return config;
  }

  void add_wire_address(const Vip& vip) {
    const AddressKey key{vip.interface, vip.address};
    desired_.kernel.addresses.emplace(key, vip_config(vip.address.address()));
    desired_.announced.insert(key);
  }

  void park(const IpAddress& address) {
    desired_.kernel.addresses.emplace(AddressKey{loopback(), IpPrefix::host(address)},
                                      vip_config(address));
  }

  void hold(const std::string& sysctl, const std::string& value) {
    desired_.kernel.sysctls[SysctlKey{sysctl}] = SysctlConfig{normal_sysctl_value(value)};
  }

  void add_service(const VipName& name, const Vip& vip, const Service& service, Role role) {
    const Endpoint endpoint = endpoint_of(vip, service);
    const IpvsServiceKey key = service_key(vip, service, node_);
    if (const auto* const mark = std::get_if<FirewallMark>(&key)) {
      add_mark(desired_.kernel, endpoint, mark->mark);
      desired_.mark_names.emplace(*mark, name);
    }
    desired_.kernel.ipvs_services.emplace(key, service_config(vip, service));
    servers_.add(vip, service, key, desired_);
    if (vip.bypass != Bypass::kRedirect) return;
    if (role != Role::kMaster) {
      add_redirect(desired_.kernel, endpoint, desired_.redirect_of);
    } else if (!is_followed(vip.role)) {
      desired_.directed.emplace(AddressKey{vip.interface, vip.address}, endpoint);
    }
  }

  const Document& document_;
  const NodeName& node_;
  const ServerEvidence& evidence_;
  const ServerResolver servers_;
  DesiredState desired_;
};

}  // namespace

DesiredState resolve(const ValidDocument& document, const NodeName& node, const Roles& roles,
                     const ServerEvidence& evidence) {
  Resolver resolver(*document, node, evidence);
  for (const auto& [name, vip] : document->vips) resolver.add_vip(name, vip, roles.at(name));
  resolver.add_sysctls();
  resolver.add_timeouts();
  DesiredState desired = resolver.take(roles);
  // Who else moves an address may give it to two at a time.
  for (const auto& [name, vip] : document->vips)
    if (is_followed(vip.role)) answer_peers(desired, document, node, name);
  return desired;
}

void answer_peers(DesiredState& desired, const ValidDocument& document, const NodeName& node,
                  const VipName& vip_name) {
  const Vip& vip = document->vips.at(vip_name);
  if (vip.bypass != Bypass::kRedirect) return;
  for (const Service& service : vip.services)
    add_peer_redirect(desired.kernel, endpoint_of(vip, service), desired.redirect_of,
                      peer_macs(*document, node));
}

DesiredState nothing_desired() {
  return {};
}

}  // namespace twobox
