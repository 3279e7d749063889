// The question whether a server answers to the VIP, as the director's packets would reach it.
#pragma once

#include <vector>

#include "checks/check_kind.h"
#include "schema/error.h"

namespace twobox {

/// Asks many servers at once. Used by the thread of the event loop, and blocks it nowhere.
class ThroughVip {
 public:
  struct Answer {
    CheckId id = 0;
    CheckOutcome outcome;
  };

  virtual ~ThroughVip() = default;

  /// Readable when drain() has something to give; the same for its lifetime.
  virtual int fd() const = 0;
  /// Sends the question to `target.address` with `target.vip` and `target.service_port` as its
  /// destination. After `deadline` no answer is listened for. An error says that it could not be
  /// asked, which is not the server's fault.
  virtual Status begin(CheckId id, const CheckTarget& target, SteadyTime deadline) = 0;
  /// The answers that have come since the last call, in any order. None is no answer.
  virtual std::vector<Answer> drain() = 0;
};

}  // namespace twobox
