// Who this node is, and which role it has for each VIP. Roles are levels, not events: they follow
// from what is true now, so no order, loss or repetition of messages can leave a wrong one behind.
#pragma once

#include <map>
#include <set>
#include <string>

#include "reconciler/backend.h"
#include "reconciler/resolve.h"
#include "schema/document.h"
#include "schema/error.h"

namespace twobox {

/// The one node of the document that has a MAC or an address of this machine.
/// Error: kInvalidDocument if none or several match; the message says what was compared.
Result<NodeName> identify_node(const Document& document, const Machine& machine);

/// Roles set by hand, until they are taken back; they come before every other source.
using RoleOverrides = std::map<VipName, Role>;

/// What speaks for roles beside the document.
struct RoleEvidence {
  std::map<AddressKey, AddressConfig> addresses;  // of this machine
  RoleOverrides overrides;
  std::set<std::string> keepalived_faults;  // instances that keepalived last called faulty
};

struct VipRole {
  Role role = Role::kBackup;
  std::string source;  // "document", "address", "keepalived" or "override"
  friend bool operator==(const VipRole&, const VipRole&) = default;
};
using VipRoles = std::map<VipName, VipRole>;

/// This node's role for each of the document's VIPs, and who said so.
///
/// A VIP that follows keepalived is judged by its address like one that follows the address:
/// keepalived sets and removes the address before it says so, and its messages may get lost. They
/// only tell fault from backup.
VipRoles decide_roles(const Document& document, const NodeName& node, const RoleEvidence& evidence);

/// True where something else moves the address and this node's role follows it.
bool is_followed(const RoleSource& role);

/// The same without the sources.
Roles roles_of(const VipRoles& decided);

}  // namespace twobox
