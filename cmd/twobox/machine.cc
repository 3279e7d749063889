#include "twobox/machine.h"

#include <utility>

namespace twobox {

Result<NodeName> choose_node(const Document& document, const std::optional<NodeName>& name,
                             const Machine& machine) {
  if (!name) return identify_node(document, machine);
  if (document.nodes.contains(*name)) return *name;
  return Error{ErrorKind::kInvalidDocument, 0, "the document has no node '" + *name + "'"};
}

Result<Standpoint> take_standpoint(const ValidDocument& document,
                                   const std::optional<NodeName>& node, const RoleHints& hints,
                                   Machine machine) {
  const auto chosen = choose_node(*document, node, machine);
  if (!chosen) return chosen.error();
  VipRoles roles = decide_roles(
      *document, *chosen, {std::move(machine.addresses), hints.overrides, hints.keepalived_faults});
  return Standpoint{*chosen, std::move(roles)};
}

Result<Standpoint> take_standpoint(const ValidDocument& document,
                                   const std::optional<NodeName>& node, const RoleHints& hints,
                                   Backend& backend) {
  auto machine = backend.observe_machine();
  if (!machine) return with_context(machine.error(), "find out which node this machine is");
  return take_standpoint(document, node, hints, *std::move(machine));
}

}  // namespace twobox
