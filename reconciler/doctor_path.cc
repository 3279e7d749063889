// Whether packets get through this node's interfaces: reverse path filtering and sizes.
#include "reconciler/doctor_checks.h"
#include "reconciler/doctor_settings.h"
#include "reconciler/servers.h"

namespace twobox::doctor {
namespace {

constexpr int kStrict = 1;  // rp_filter

/// What clients elsewhere send at most.
constexpr unsigned kUsualPacket = 1500;

bool is_ipv4(const Vip& vip) {
  return vip.address.address().family() == AddressFamily::kIpv4;
}

bool serves_by(const DoctorFacts& facts, const Vip& vip, Forwarding forwarding) {
  const Node& node = facts.document->nodes.at(facts.node);
  return std::ranges::any_of(vip.services, [&](const Service& service) {
    return std::ranges::any_of(
        servers_or_default(*facts.document, service), [&](const Server& server) {
          return server.forwarding == forwarding &&
                 has_address(node,
                             address_of(*facts.document, server, vip.address.address().family()));
        });
  });
}

/// What comes in on `interface` is answered by another: strict filtering drops it.
Examination judge_strictness(const DoctorFacts& facts, const InterfaceName& interface,
                             const std::string& what_comes) {
  const auto maximum = maximum_of(facts.kernel->kernel, interface, kRpFilter);
  if (!maximum) return {{}, {unreadable(interface, kRpFilter)}};
  if (maximum->value() != kStrict) return {};
  return {{{shown(*maximum, interface, kRpFilter) + ", strict: " + what_comes,
            setting_command(setting_of(interface, kRpFilter), 2)}},
          {}};
}

Examination judge_direct_path(const DoctorFacts& facts, const VipName& name, const Vip& vip) {
  if (!facts.ipv4_default_route) return {{}, {facts.ipv4_default_route.error().message}};
  const auto& way_out = *facts.ipv4_default_route;
  if (!way_out || *way_out == vip.interface) return {};
  return judge_strictness(facts, vip.interface,
                          name + " comes in by " + vip.interface.str() + ", and answers leave by " +
                              way_out->str() + ", which has the default route");
}

Examination judge_tunnel_path(const DoctorFacts& facts, const VipName& name) {
  if (!facts.interfaces) return {{}, {facts.interfaces.error().message}};
  if (!facts.ipv4_default_route) return {{}, {facts.ipv4_default_route.error().message}};
  Examination examination;
  for (const auto& [interface, shape] : *facts.interfaces)
    if (shape.is_tunnel && *facts.ipv4_default_route != interface)
      add(examination,
          judge_strictness(facts, interface,
                           name + " comes out of the tunnel, and answers do not leave by it"));
  return examination;
}

/// The most that one of the VIP's tunnels adds to a packet, 0 without one.
unsigned tunnel_overhead(const DoctorFacts& facts, const Vip& vip) {
  unsigned most = 0;
  for (const Service& service : vip.services)
    for (const Server& server : servers_or_default(*facts.document, service)) {
      if (server.forwarding != Forwarding::kTunnel) continue;
      const IpAddress& address =
          address_of(*facts.document, server, vip.address.address().family());
      if (has_address(facts.document->nodes.at(facts.node), address)) continue;
      most = std::max(most, address.family() == AddressFamily::kIpv4 ? 20U : 40U);
    }
  return most;
}

Examination judge_mtu(const DoctorFacts& facts, const VipName& name, const Vip& vip) {
  const unsigned overhead = tunnel_overhead(facts, vip);
  if (overhead == 0) return {};
  const std::string& interface = vip.interface.str();
  if (!facts.interfaces) return {{}, {facts.interfaces.error().message}};
  const auto shape = facts.interfaces->find(vip.interface);
  if (shape == facts.interfaces->end()) return {{}, {interface + " does not exist"}};
  const unsigned packet = std::min(kUsualPacket, shape->second.mtu);
  const unsigned needed = packet + overhead;
  if (shape->second.mtu >= needed) return {};
  const unsigned headers = is_ipv4(vip) ? 40 : 60;  // of IP and TCP
  return {{{name + ": " + interface + " has an MTU of " + std::to_string(shape->second.mtu) +
                "; a packet of " + std::to_string(packet) + " bytes has " + std::to_string(needed) +
                " in the tunnel",
            "ip link set dev " + interface + " mtu " + std::to_string(needed) +
                ", where the network carries it; or on the servers: nft add rule inet filter "
                "output tcp flags syn tcp option maxseg size set " +
                std::to_string(packet - overhead - headers)}},
          {}};
}

}  // namespace

Examination reverse_path(const DoctorFacts& facts) {
  if (!facts.kernel) return {{}, {facts.kernel.error().message}};
  Examination examination;
  for (const auto& [name, vip] : facts.document->vips) {
    if (!is_ipv4(vip)) continue;
    if (serves_by(facts, vip, Forwarding::kDirect))
      add(examination, judge_direct_path(facts, name, vip));
    if (serves_by(facts, vip, Forwarding::kTunnel))
      add(examination, judge_tunnel_path(facts, name));
  }
  return examination;
}

Examination tunnel_mtu(const DoctorFacts& facts) {
  Examination examination;
  for (const auto& [name, vip] : facts.document->vips)
    add(examination, judge_mtu(facts, name, vip));
  return examination;
}

}  // namespace twobox::doctor
