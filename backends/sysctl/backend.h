// Sysctls, read from link messages where those have them, else from files.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "reconciler/backend.h"
#include "reconciler/objects.h"
#include "schema/error.h"

namespace twobox {

/// The sysctls of the network namespace that the calling thread is in.
///
/// Keeps no memory of earlier calls; not thread-safe.
class SysctlBackend {
 public:
  /// What the observer of links already read: the value of a sysctl, if it has it.
  using Known = std::function<std::optional<std::string>(const SysctlKey&)>;

  /// `root` is where the files are; tests give their own.
  explicit SysctlBackend(std::string root = "/proc/sys") : root_(std::move(root)) {}

  /// Replaces kernel.sysctls by the values of `keys`, white space normalised. A sysctl that does
  /// not exist or can't be read is left out: what is wrong with it shows when it is written.
  /// Error: kTransport when this process runs out of descriptors or memory; then nothing changes.
  Status observe(const std::set<SysctlKey>& keys, const Known& known, KernelState& kernel) const;

  /// One outcome per change, in order. Only SysctlChange with an `after` is understood (others:
  /// kBug; a sysctl is never deleted). Errors: kUnavailable if it does not exist or may not be
  /// written, kKernelRefused if the kernel does not take the value.
  std::vector<Status> apply(std::span<const Change> changes) const;

 private:
  Status apply_one(const SysctlChange& change) const;

  std::string root_;
};

}  // namespace twobox
