// One pass: observe, plan, apply, observe again.
#pragma once

#include <functional>

#include "reconciler/apply.h"
#include "reconciler/backend.h"
#include "reconciler/ownership.h"
#include "reconciler/plan.h"
#include "reconciler/refusals.h"
#include "reconciler/vrrp_firewall.h"

namespace twobox {

/// Keeps the ownership record where it outlives the process. Not thread-safe.
class OwnershipStore {
 public:
  virtual ~OwnershipStore() = default;
  virtual const OwnershipRecord& record() const = 0;
  /// On return the record is on stable storage. Error: kTransport; the old record then still
  /// counts.
  virtual Status save(const OwnershipRecord& record) = 0;
};

struct PassReport {
  Plan planned;
  std::map<NftRuleKey, std::uint64_t> handles;  // of the observation `planned` was made from
  ApplyReport applied;
  Plan remaining;  // of a fresh observation: empty = converged, otherwise exactly what is missing
  std::optional<VrrpVerdict> vrrp;  // absent: no role depends on VRRP
  /// Real servers that are there only until they have drained, and the connections that each waits
  /// for; of the last observation.
  std::map<RealServerKey, std::uint32_t> draining;
};

/// The last reading of the kernel, for a caller that is told what changes.
struct Sighting {
  std::optional<ObservedState> state;  // absent: nothing is known
  Scope scope;                         // it was read with
  Parts stale;                         // may have changed since
  /// Of the last pass, if there was nothing to do and nothing refused: there is still nothing while
  /// the state is the same. The caller resets it when it wants another desired state.
  std::optional<PassReport> settled;
};

/// Brings the kernel to `desired` as far as it lets us. A second pass does nothing.
/// Errors: whatever kept us from reading the kernel, or kNotRecorded; nothing was changed then,
/// unless the message says "after apply".
Result<PassReport> reconcile_once(const DesiredState& desired, Backend& backend,
                                  OwnershipStore& ownership, Refusals& refusals, SteadyTime now);

/// Leave to carry out a plan. An error ends the pass with nothing changed.
using PlanLeave = std::function<Status(const Plan&)>;

/// The same from what `seen` knows already; reads only what is stale, and what was changed here.
Result<PassReport> reconcile_once(const DesiredState& desired, Backend& backend,
                                  OwnershipStore& ownership, Refusals& refusals, SteadyTime now,
                                  Sighting& seen, const PlanLeave& leave = nullptr);

}  // namespace twobox
