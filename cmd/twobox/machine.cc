#include "twobox/machine.h"

#include "reconciler/roles.h"

namespace twobox {

Result<NodeName> choose_node(const Document& document, const std::optional<NodeName>& name,
                             Backend& backend) {
  if (name) {
    if (document.nodes.contains(*name)) return *name;
    return Error{ErrorKind::kInvalidDocument, 0, "the document has no node '" + *name + "'"};
  }
  const auto observed = backend.observe(Scope{});
  if (!observed) return with_context(observed.error(), "find out which node this machine is");
  return identify_node(document, *observed);
}

}  // namespace twobox
