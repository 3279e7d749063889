// What diff, apply and the daemon have in common: this machine, and what a document wants of it.
#pragma once

#include <memory>
#include <optional>

#include "reconciler/backend.h"
#include "reconciler/ownership.h"
#include "reconciler/resolve.h"
#include "schema/validate.h"

namespace twobox {

/// `name` if the document has such a node; without a name, the node that has this machine's MAC or
/// address. Errors: kInvalidDocument; whatever observing the machine gives.
Result<NodeName> choose_node(const Document& document, const std::optional<NodeName>& name,
                             Backend& backend);

}  // namespace twobox
