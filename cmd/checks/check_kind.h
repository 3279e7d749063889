// What all kinds of checks have in common.
#pragma once

#include <cstdint>
#include <functional>

#include "reconciler/check_targets.h"
#include "reconciler/health.h"

namespace twobox {

/// Names one check of one server while it is under way; never used again.
using CheckId = std::uint64_t;

/// Takes what became of a check, once for each.
using OnOutcome = std::function<void(CheckId, CheckOutcome)>;

/// How checks of one kind are made, many at once. Used by the thread of the event loop, and blocks
/// it nowhere.
class CheckKind {
 public:
  CheckKind() = default;
  CheckKind(const CheckKind&) = delete;
  CheckKind& operator=(const CheckKind&) = delete;
  virtual ~CheckKind() = default;

  /// Its outcome may come before this returns. `target` need not outlive the call.
  virtual void begin(CheckId id, const CheckTarget& target) = 0;
  /// No outcome of it is wanted any more. One that is not under way is nothing to complain about.
  virtual void give_up(CheckId id) = 0;
};

}  // namespace twobox
