// What diff, apply and the daemon have in common: this machine, and what a document wants of it.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "reconciler/backend.h"
#include "reconciler/resolve.h"
#include "reconciler/roles.h"
#include "schema/validate.h"

namespace twobox {

/// What decides roles beside the document and the machine's addresses.
struct RoleHints {
  RoleOverrides overrides;
  std::set<std::string> keepalived_faults;
};

/// A document as seen from one machine.
struct Standpoint {
  NodeName node;
  VipRoles roles;
};

/// `name` if the document has such a node; without one, the node that has this machine's MAC or
/// address. Error: kInvalidDocument.
Result<NodeName> choose_node(const Document& document, const std::optional<NodeName>& name,
                             const Machine& machine);

/// The document as seen from `node`, or from the node that this machine is. Errors:
/// choose_node()'s.
Result<Standpoint> take_standpoint(const ValidDocument& document,
                                   const std::optional<NodeName>& node, const RoleHints& hints,
                                   Machine machine);
/// The same of the machine as it is now. Errors, too: whatever observing it gives.
Result<Standpoint> take_standpoint(const ValidDocument& document,
                                   const std::optional<NodeName>& node, const RoleHints& hints,
                                   Backend& backend);

}  // namespace twobox
