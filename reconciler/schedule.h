// When the next pass is due. Pure: the caller owns clock, sockets and sleep.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "reconciler/backend.h"
#include "reconciler/backoff.h"
#include "reconciler/refusals.h"

namespace twobox {

/// Any number of wakes before a pass count as one. A pass reads what the wakes since the last one
/// spoke of; the timed one reads everything, whatever was heard.
///
/// Wakes bring about so many passes at once, then one each so often: who undoes what we do faster
/// than that is not answered each time, and costs little.
class Schedule {
 public:
  static constexpr int kPassesAtOnce = 100;
  static constexpr std::chrono::milliseconds kBetweenPasses{100};

  explicit Schedule(std::chrono::milliseconds resync) : resync_(resync) {}

  /// How long nothing need be heard until everything is read again.
  void set_resync(std::chrono::milliseconds resync) { resync_ = resync; }

  /// These parts of the kernel, or those that are always read, may have changed. Shortens no
  /// backoff: a kernel that can't be read is not asked more often because it is busy.
  void wake(const Parts& parts) {
    woken_ = true;
    stale_ |= parts;
  }
  /// The same, where it is enough to know by `due`.
  void wake_by(SteadyTime due, const Parts& parts) {
    if (!due_ || due < *due_) due_ = due;
    stale_ |= parts;
  }
  /// A pass comes as soon as it may: no wake can hasten it.
  bool is_woken() const { return woken_; }
  /// The situation is new (document, role, signal): the next pass is due at once.
  void start_afresh() {
    wake(Parts::all());
    failures_ = 0;
    paid_until_ = {};
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
  /// Call before a pass, so that a wake during it is not lost. Returns what it has to read.
  Parts pass_begins(SteadyTime now) {
    const bool everything = !last_full_ || failures_ > 0 || *last_full_ + resync_ <= now;
    if (everything) stale_ = Parts::all();
    if (stale_ == Parts::all()) last_full_ = now;
    if (woken_) paid_until_ = std::max(paid_until_, now) + kBetweenPasses;
    woken_ = false;
    due_.reset();
    return std::exchange(stale_, {});
  }

  /// `next_attempt`: when a refused object may be tried again.
  SteadyTime next(std::optional<SteadyTime> next_attempt) const {
    if (!last_) return SteadyTime::min();
    if (failures_ > 0) return *last_ + retry_delay(failures_);
    SteadyTime next = *last_full_ + resync_;
    if (woken_) next = std::min(next, earliest_when_woken());
    if (next_attempt) next = std::min(next, *next_attempt);
    return due_ ? std::min(next, *due_) : next;
  }

 private:
  SteadyTime earliest_when_woken() const {
    const SteadyTime earliest = paid_until_ - kPassesAtOnce * kBetweenPasses;
    return earliest <= *last_ ? SteadyTime::min() : earliest;
  }

  std::chrono::milliseconds resync_;
  std::optional<SteadyTime> last_;
  std::optional<SteadyTime> last_full_;  // when the last pass that read everything began
  std::optional<SteadyTime> due_;
  SteadyTime paid_until_;  // each pass that a wake brought about costs kBetweenPasses
  Parts stale_;            // beside what is always read
  unsigned failures_ = 0;
  bool woken_ = false;
};

}  // namespace twobox
