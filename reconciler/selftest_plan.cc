#include <algorithm>
#include <optional>
#include <set>

#include "reconciler/selftest.h"

namespace twobox {
namespace {

constexpr std::size_t kLeastTimes = 4;

std::optional<IpAddress> address_of(const Node& node, AddressFamily family) {
  const auto found = std::ranges::find(node.addresses, family, &IpAddress::family);
  if (found == node.addresses.end()) return std::nullopt;
  return *found;
}

/// The nodes that serve by direct routing, so that a director's frames reach them unchanged.
std::set<NodeName> direct_servers(const Document& document, const Service& service) {
  std::set<NodeName> nodes;
  if (!service.servers) {
    for (const auto& [name, node] : document.nodes) nodes.insert(name);
    return nodes;
  }
  for (const Server& server : *service.servers) {
    const auto* const name = std::get_if<NodeName>(&server.target);
    if (name != nullptr && server.forwarding == Forwarding::kDirect && server.weight > 0)
      nodes.insert(*name);
  }
  return nodes;
}

/// The node that is master as far as is known here; "" if it may be any of the peers.
NodeName known_master(const SelftestPlace& place, const VipName& name, const Vip& vip) {
  const VipRole& own = place.roles.at(name);
  if (own.role == Role::kMaster) return place.node;
  const auto* const master = std::get_if<MasterNode>(&vip.role);
  if (master != nullptr && master->node != place.node) return master->node;
  if (place.document.nodes.size() != 2) return "";
  const auto& first = *place.document.nodes.begin();
  return first.first != place.node ? first.first : place.document.nodes.rbegin()->first;
}

std::optional<MacAddress> mac_of(const SelftestPlace& place, const InterfaceName& interface,
                                 const Node& node, AddressFamily family) {
  if (const auto address = address_of(node, family)) {
    const auto found = place.neighbours.find({interface, *address});
    if (found != place.neighbours.end()) return found->second;
  }
  if (node.macs.empty()) return std::nullopt;
  return node.macs.front();
}

/// What the frames of one VIP have in common.
struct Sender {
  IpAddress address;
  MacAddress mac;
};

std::optional<Sender> sender_for(const SelftestPlace& place, const Vip& vip) {
  const auto address =
      address_of(place.document.nodes.at(place.node), vip.address.address().family());
  const auto link = place.links.find(vip.interface);
  if (!address || link == place.links.end() || !link->second.mac) return std::nullopt;
  return Sender{*address, *link->second.mac};
}

class PlanWriter {
 public:
  PlanWriter(const SelftestPlace& place, const VipName& name, const Vip& vip, Sender sender)
      : place_(place), name_(name), vip_(vip), sender_(sender) {}

  void write(SelftestPlan& plan, const Service& service) const {
    const NodeName master = known_master(place_, name_, vip_);
    const std::set<NodeName> servers = direct_servers(place_.document, service);
    for (const auto& [peer, node] : place_.document.nodes) {
      if (peer == place_.node) continue;
      const auto mac = mac_of(place_, vip_.interface, node, vip_.address.address().family());
      if (!mac) continue;
      const bool may_be_master = master.empty() || master == peer;
      if (servers.contains(peer) && (!may_be_master || vip_.bypass == Bypass::kMacMark))
        plan.probes.push_back(probe(SelftestWay::kAsDirector, peer, *mac, service, kLeastTimes));
      if (may_be_master)
        plan.probes.push_back(probe(SelftestWay::kThroughMaster, peer, *mac, service,
                                    std::max(kLeastTimes, 2 * servers.size())));
    }
  }

 private:
  SelftestProbe probe(SelftestWay way, const NodeName& peer, const MacAddress& to,
                      const Service& service, std::size_t times) const {
    const IpAddress& address = vip_.address.address();
    const bool as_client = way == SelftestWay::kThroughMaster;
    return {{name_, address, service.port, way, peer},
            {vip_.interface, as_client ? place_.client : sender_.mac, to, sender_.address, address,
             service.port},
            times};
  }

  const SelftestPlace& place_;
  const VipName& name_;
  const Vip& vip_;
  Sender sender_;
};

}  // namespace

SelftestPlan plan_selftest(const SelftestPlace& place) {
  SelftestPlan plan;
  for (const auto& [name, vip] : place.document.vips) {
    const auto sender = sender_for(place, vip);
    if (!sender) {
      plan.left_out.push_back(name + ": " + vip.interface.str() + " has no Ethernet address, or " +
                              place.node + " no address of the VIP's family");
      continue;
    }
    for (const Service& service : vip.services) {
      if (service.protocol == Protocol::kTcp) {
        PlanWriter(place, name, vip, *sender).write(plan, service);
      } else {
        plan.left_out.push_back(
            name + " " + endpoint_text(vip.address.address(), service.port.host_order()) +
            ": only TCP can be probed, not " + std::string(to_string(service.protocol)));
      }
    }
  }
  return plan;
}

IpAddress answering_address(const SelftestPlace& place, const SelftestSubject& subject) {
  const bool redirects = place.document.vips.at(subject.vip).bypass == Bypass::kRedirect &&
                         place.roles.at(subject.vip).role != Role::kMaster;
  if (!redirects) return subject.address;
  return address_of(place.document.nodes.at(place.node), subject.address.family())
      .value_or(subject.address);
}

std::vector<SelftestListener> selftest_listeners(const Document& document, const NodeName& node) {
  std::vector<SelftestListener> wanted;
  for (const auto& [name, vip] : document.vips)
    for (const Service& service : vip.services) {
      if (service.protocol != Protocol::kTcp || !direct_servers(document, service).contains(node))
        continue;
      const IpAddress& address = vip.address.address();
      const SelftestSubject subject{name, address, service.port, SelftestWay::kHere, node};
      wanted.push_back({subject, address, service.port});
      const auto own = address_of(document.nodes.at(node), address.family());
      if (vip.bypass == Bypass::kRedirect && own) wanted.push_back({subject, *own, service.port});
    }
  return wanted;
}

}  // namespace twobox
