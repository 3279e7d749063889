// The MACs of a document's other nodes, as the wire has them.
#pragma once

#include "reconciler/selftest.h"
#include "schema/document.h"

namespace twobox {

/// By the kernel's table, which is made to ask the wire first. Who has not answered after half a
/// second is left out.
NeighbourMacs find_neighbours(const Document& document, const NodeName& self);

}  // namespace twobox
