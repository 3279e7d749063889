#include "reconciler/roles.h"

#include <algorithm>
#include <set>

namespace twobox {
namespace {

struct LocalMachine {
  std::set<MacAddress> macs;
  std::set<IpAddress> addresses;
};

LocalMachine local_machine(const ObservedState& observed) {
  LocalMachine local;
  for (const auto& [name, link] : observed.links)
    if (link.mac) local.macs.insert(*link.mac);
  for (const auto& [key, config] : observed.kernel.addresses)
    local.addresses.insert(key.prefix.address());
  return local;
}

bool is_local(const Node& node, const LocalMachine& local) {
  return std::ranges::any_of(node.macs,
                             [&](const auto& mac) { return local.macs.contains(mac); }) ||
         std::ranges::any_of(node.addresses, [&](const auto& address) {
           return local.addresses.contains(address);
         });
}

Role role_of(const RoleSource& source, const NodeName& node) {
  if (const auto* role = std::get_if<Role>(&source)) return *role;
  if (const auto* master = std::get_if<MasterNode>(&source))
    return master->node == node ? Role::kMaster : Role::kBackup;
  return Role::kBackup;  // a source outside the document has not spoken yet
}

}  // namespace

Result<NodeName> identify_node(const Document& document, const ObservedState& observed) {
  const LocalMachine local = local_machine(observed);
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

Roles roles_by_document(const Document& document, const NodeName& node) {
  Roles roles;
  for (const auto& [name, vip] : document.vips) roles.emplace(name, role_of(vip.role, node));
  return roles;
}

}  // namespace twobox
