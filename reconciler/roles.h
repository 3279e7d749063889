// Who this node is, and which role it has for each VIP.
#pragma once

#include <map>

#include "reconciler/backend.h"
#include "reconciler/resolve.h"
#include "schema/document.h"
#include "schema/error.h"

namespace twobox {

/// The one node of the document that has a MAC or an address of this machine.
/// Error: kInvalidDocument if none or several match; the message says what was compared.
Result<NodeName> identify_node(const Document& document, const ObservedState& observed);

/// The role of `node` for each VIP, as far as the document alone decides it.
Roles roles_by_document(const Document& document, const NodeName& node);

}  // namespace twobox
