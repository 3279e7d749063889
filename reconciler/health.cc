#include "reconciler/health.h"

#include <limits>

namespace twobox {
namespace {

void count(std::uint32_t& counter) {
  if (counter < std::numeric_limits<std::uint32_t>::max()) ++counter;
}

}  // namespace

bool RiseAndFall::heard(const CheckOutcome& outcome, const Check& check, Moment now) {
  switch (outcome.kind) {
    case CheckOutcome::Kind::kPassed:
      failed_in_a_row_ = 0;
      count(passed_in_a_row_);
      // Nothing is known against it: a restart must not keep a server out for longer.
      return (health_.health == Health::kUnknown || passed_in_a_row_ >= check.rise) &&
             turn(Health::kUp, now);
    case CheckOutcome::Kind::kFailed: {
      passed_in_a_row_ = 0;
      count(failed_in_a_row_);
      const bool blamed = blame(outcome.cause);
      return (failed_in_a_row_ >= check.fall && turn(Health::kDown, now)) || blamed;
    }
    case CheckOutcome::Kind::kNotMade:
      return blame(outcome.cause);
  }
  return false;
}

bool RiseAndFall::turn(Health health, Moment now) {
  if (health_.health == health) return false;
  if (health_.health != Health::kUnknown) ++health_.transitions;
  health_.health = health;
  health_.since = now;
  return true;
}

bool RiseAndFall::blame(const std::string& cause) {
  if (health_.cause == cause) return false;
  health_.cause = cause;
  return true;
}

}  // namespace twobox
