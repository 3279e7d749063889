// The live kernel of this network namespace, as the reconciler's Backend.
#pragma once

#include <memory>

#include "reconciler/backend.h"
#include "schema/error.h"

namespace twobox {

/// Composes addresses, IPVS, nftables and sysctls. Observing loads no module; the first IPVS object
/// that is made loads ip_vs. Not thread-safe.
/// Errors: kUnavailable or kTransport, naming the subsystem.
Result<std::unique_ptr<Backend>> open_kernel();

}  // namespace twobox
