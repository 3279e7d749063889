#include "reconciler/roles.h"

#include <algorithm>
#include <set>

namespace twobox {
namespace {

struct LocalMachine {
  std::set<MacAddress> macs;
  std::set<IpAddress> addresses;
};

LocalMachine local_machine(const Machine& machine) {
  LocalMachine local;
  for (const auto& [name, link] : machine.links)
    if (link.mac) local.macs.insert(*link.mac);
  for (const auto& [key, config] : machine.addresses) local.addresses.insert(key.prefix.address());
  return local;
}

bool is_local(const Node& node, const LocalMachine& local) {
  return std::ranges::any_of(node.macs,
                             [&](const auto& mac) { return local.macs.contains(mac); }) ||
         std::ranges::any_of(node.addresses, [&](const auto& address) {
           return local.addresses.contains(address);
         });
}

/// Whether the VIP is on its wire interface, with whatever prefix length its owner gave it.
bool holds(const std::map<AddressKey, AddressConfig>& addresses, const Vip& vip) {
  return std::ranges::any_of(addresses, [&vip](const auto& entry) {
    const AddressKey& key = entry.first;
    return key.interface == vip.interface && key.prefix.address() == vip.address.address();
  });
}

VipRole role_of(const Vip& vip, const NodeName& node, const RoleEvidence& evidence) {
  if (const auto* role = std::get_if<Role>(&vip.role)) return {*role, "document"};
  if (const auto* master = std::get_if<MasterNode>(&vip.role))
    return {master->node == node ? Role::kMaster : Role::kBackup, "document"};
  const bool is_master = holds(evidence.addresses, vip);
  const auto* const keepalived = std::get_if<FollowKeepalived>(&vip.role);
  if (keepalived == nullptr) return {is_master ? Role::kMaster : Role::kBackup, "address"};
  if (is_master) return {Role::kMaster, "keepalived"};
  const bool faulty = evidence.keepalived_faults.contains(keepalived->instance);
  return {faulty ? Role::kFault : Role::kBackup, "keepalived"};
}

}  // namespace

Result<NodeName> identify_node(const Document& document, const Machine& machine) {
  const LocalMachine local = local_machine(machine);
  std::vector<NodeName> matches;
  for (const auto& [name, node] : document.nodes)
    if (is_local(node, local)) matches.push_back(name);
  if (matches.size() == 1) return matches.front();

  if (matches.empty())
    return Error{ErrorKind::kInvalidDocument, 0,
                 "no node of the document has a MAC or an address of this machine; name it with "
                 "--node NAME"};
  std::string names;
  for (const NodeName& name : matches) names += (names.empty() ? "" : ", ") + name;
  return Error{ErrorKind::kInvalidDocument, 0,
               "several nodes of the document have a MAC or an address of this machine (" + names +
                   "); name the right one with --node NAME"};
}

VipRoles decide_roles(const Document& document, const NodeName& node,
                      const RoleEvidence& evidence) {
  VipRoles decided;
  for (const auto& [name, vip] : document.vips) {
    const auto by_hand = evidence.overrides.find(name);
    decided.emplace(name, by_hand != evidence.overrides.end() ? VipRole{by_hand->second, "override"}
                                                              : role_of(vip, node, evidence));
  }
  return decided;
}

bool is_followed(const RoleSource& role) {
  return std::holds_alternative<FollowAddress>(role) ||
         std::holds_alternative<FollowKeepalived>(role);
}

Roles roles_of(const VipRoles& decided) {
  Roles roles;
  for (const auto& [name, vip] : decided) roles.emplace(name, vip.role);
  return roles;
}

}  // namespace twobox
