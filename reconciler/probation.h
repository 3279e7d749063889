// When a document that has never converged has had its chance. Pure: every moment is an argument.
#pragma once

#include <optional>

#include "reconciler/moment.h"

namespace twobox {

/// What the kernel refuses is tried again after 100 ms doubling (backoff.h): seven times in these
/// ten seconds. Fewer than three passes prove nothing, whatever the time: the machine may have
/// stood still.
class Probation {
 public:
  static constexpr std::chrono::seconds kPatience{10};
  static constexpr unsigned kFewestPasses = 3;

  void begin(SteadyTime now) { state_ = State{now, 0}; }
  void end() { state_.reset(); }

  /// A pass that could be made, and left something undone. One that leaves nothing ends it; one
  /// that could not be made speaks against the kernel, not the document.
  void pass_left_something() {
    if (state_) ++state_->passes;
  }

  bool has_failed(SteadyTime now) const {
    return state_ && state_->passes >= kFewestPasses && now >= state_->began + kPatience;
  }
  /// When has_failed() may become true without another pass.
  std::optional<SteadyTime> due() const {
    if (!state_ || state_->passes < kFewestPasses) return std::nullopt;
    return state_->began + kPatience;
  }

 private:
  struct State {
    SteadyTime began;
    unsigned passes = 0;  // that left something undone
  };
  std::optional<State> state_;
};

}  // namespace twobox
