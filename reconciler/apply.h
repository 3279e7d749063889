// Carries a plan out. A refused object stops only what relies on it.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "reconciler/backend.h"
#include "reconciler/plan.h"

namespace twobox {

/// What became of a step.
struct StepOutcome {
  std::optional<Error> error;  // absent: carried out
  bool tried = true;           // false: held back, by its backoff or by what it relies on
};

struct GainedAddress {
  AddressKey key;
  Status announced;
};

struct ApplyReport {
  std::vector<StepOutcome> outcomes;  // one for each step of the plan, in its order
  std::vector<GainedAddress> gained;  // VIPs that came to this node and were announced
};

/// How many announcements make one burst, as keepalived's default.
constexpr int kAnnouncementsPerBurst = 5;
/// After the first burst, which apply_plan() sends; the second is its caller's.
constexpr std::chrono::seconds kSecondBurstDelay{5};

/// True if a change may be tried now; a change that was refused a moment ago may not.
using MayTry = std::function<bool(const Change&)>;

/// Steps of one phase and subsystem go to the backend together (nftables: in one atomic batch).
/// `handles` are those of the observation the plan was made from.
ApplyReport apply_plan(const Plan& plan, const DesiredState& desired, Backend& backend,
                       const std::map<NftRuleKey, std::uint64_t>& handles, const MayTry& may_try);

}  // namespace twobox
