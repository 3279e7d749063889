// How both kinds of import end: the document on stdout, what is to be said of it on stderr.
#pragma once

#include <functional>
#include <optional>

#include "reconciler/backend.h"
#include "reconciler/import.h"
#include "schema/validate.h"

namespace twobox {

/// The import with what a machine knows: its own MACs and, where this machine is one of the nodes,
/// its neighbours'. `import` is asked twice, since who the neighbours are is in the document.
Import import_with_macs(const Machine& machine,
                        const std::function<Import(const MacsByAddress&)>& import);

/// Prints the document. nullopt, with a line on stderr for each, when there is something to fill
/// in.
std::optional<ValidDocument> print_import(const Import& import);

}  // namespace twobox
