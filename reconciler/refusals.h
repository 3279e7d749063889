// What the kernel has refused, since when, and when to try again.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "reconciler/apply.h"
#include "reconciler/moment.h"

namespace twobox {

struct Refusal {
  Error error;
  SteadyTime since;         // of the first failure in a row
  unsigned failures = 0;    // in a row
  SteadyTime next_attempt;  // earlier passes leave the object out
};

/// By object name. An object leaves when it succeeds or is no longer asked for.
class Refusals {
 public:
  bool may_try(const Change& change, SteadyTime now) const;

  /// Takes in what became of the steps of `planned`. One that the kernel accepted and that is still
  /// in `remaining` counts as refused: otherwise its own event would start it again without end.
  void note(const Plan& planned, const ApplyReport& applied, const Plan& remaining, SteadyTime now);

  /// The situation has changed (new document): delays end, counts stay.
  void retry_now(SteadyTime now);
  /// The same for what failed because something is missing: an interface may have come.
  void retry_unavailable(SteadyTime now);

  std::optional<SteadyTime> next_attempt() const;
  const std::map<std::string, Refusal>& entries() const { return entries_; }

 private:
  void add(const std::string& name, Error error, SteadyTime now);

  std::map<std::string, Refusal> entries_;
};

}  // namespace twobox
