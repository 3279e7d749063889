// When the next pass is due. Pure: the caller owns clock, sockets and sleep.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

#include "reconciler/backoff.h"
#include "reconciler/refusals.h"

namespace twobox {

/// Any number of wakes before a pass count as one; every pass does the same work from fresh state.
class Schedule {
 public:
  explicit Schedule(std::chrono::milliseconds resync) : resync_(resync) {}

  /// Something may have changed in the kernel. Shortens no backoff: a kernel that can't be read is
  /// not asked more often because it is busy.
  void wake() { woken_ = true; }
  /// The situation is new (document, role, signal): the next pass is due at once.
  void start_afresh() {
    woken_ = true;
    failures_ = 0;
  }

  void pass_succeeded(SteadyTime now) {
    last_ = now;
    failures_ = 0;
  }
  /// The pass could not be made at all (kernel unreadable, record not written).
  void pass_failed(SteadyTime now) {
    last_ = now;
    ++failures_;
  }
  /// Call before a pass, so that a wake during it is not lost.
  void pass_begins() { woken_ = false; }

  /// `next_attempt`: when a refused object may be tried again.
  SteadyTime next(std::optional<SteadyTime> next_attempt) const {
    if (!last_) return SteadyTime::min();
    if (failures_ > 0) return *last_ + retry_delay(failures_);
    if (woken_) return SteadyTime::min();
    const SteadyTime timed = *last_ + resync_;
    return next_attempt ? std::min(timed, *next_attempt) : timed;
  }

 private:
  std::chrono::milliseconds resync_;
  std::optional<SteadyTime> last_;
  unsigned failures_ = 0;
  bool woken_ = false;
};

}  // namespace twobox
