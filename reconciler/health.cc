#include "reconciler/health.h"

#include <limits>

namespace twobox {
namespace {

void count(std::uint32_t& counter) {
  if (counter < std::numeric_limits<std::uint32_t>::max()) ++counter;
}

}  // namespace

void RiseAndFall::heard(const CheckOutcome& outcome, const Check& check, Moment now) {
  switch (outcome.kind) {
    case CheckOutcome::Kind::kPassed:
      failed_in_a_row_ = 0;
      count(passed_in_a_row_);
      // Nothing is known against it: a restart must not keep a server out for longer.
      if (health_.health == Health::kUnknown || passed_in_a_row_ >= check.rise)
        turn(Health::kUp, now);
      break;
    case CheckOutcome::Kind::kFailed:
      health_.cause = outcome.cause;
      passed_in_a_row_ = 0;
      count(failed_in_a_row_);
      if (failed_in_a_row_ >= check.fall) turn(Health::kDown, now);
      break;
    case CheckOutcome::Kind::kNotMade:
      health_.cause = outcome.cause;
      break;
  }
}

void RiseAndFall::turn(Health health, Moment now) {
  if (health_.health == health) return;
  if (health_.health != Health::kUnknown) ++health_.transitions;
  health_.health = health;
  health_.since = now;
}

}  // namespace twobox
