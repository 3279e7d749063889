// The live kernel of this network namespace, as the reconciler's Backend.
#pragma once

#include <memory>

#include "backends/events/kernel_events.h"
#include "reconciler/backend.h"
#include "schema/error.h"

namespace twobox {

class LiveKernel : public Backend {
 public:
  /// For KernelEvents to tell this backend's changes from others'.
  virtual OwnPorts own_ports() const = 0;
};

/// Composes addresses, IPVS, nftables and sysctls. The first IPVS object that is made loads ip_vs;
/// looking does not. (The kernel itself loads nf_tables when first asked for it.) Not thread-safe.
/// Errors: kUnavailable or kTransport, naming the subsystem.
Result<std::unique_ptr<LiveKernel>> open_kernel();

}  // namespace twobox
