#include "reconciler/health.h"

#include <doctest/doctest.h>

#include <string_view>

using namespace twobox;

namespace {

Moment at_second(int second) {
  return {SteadyTime(std::chrono::seconds(second)), WallTime(std::chrono::seconds(second))};
}

char letter(Health health) {
  return health == Health::kUnknown ? '?' : health == Health::kUp ? 'U' : 'D';
}

CheckOutcome outcome(char letter) {
  if (letter == '+') return {CheckOutcome::Kind::kPassed, ""};
  if (letter == '-') return {CheckOutcome::Kind::kFailed, "refused"};
  return {CheckOutcome::Kind::kNotMade, "no descriptor"};
}

}  // namespace

TEST_CASE("rise and fall: what a verdict takes") {
  struct Row {
    std::uint32_t rise, fall;
    std::string_view outcomes;  // + passed, - failed, . not made
    std::string_view want;      // the verdict behind each: ? unknown, U up, D down
    std::uint64_t transitions;
  };
  const Row rows[] = {
      // The first verdict: one success, or `fall` failures.
      {3, 3, "+", "U", 0},
      {3, 3, "--+", "??U", 0},
      {3, 3, "---", "??D", 0},
      {1, 1, "-", "D", 0},
      // Then `rise` and `fall`, in a row.
      {2, 2, "+--", "UUD", 1},
      {2, 2, "--++", "?DDU", 1},
      {2, 3, "+--+---", "UUUUUUD", 1},
      {3, 2, "--++-+++", "?DDDDDDU", 1},
      {1, 1, "+-+-", "UDUD", 3},
      // Flapping faster than that changes nothing.
      {2, 2, "+-+-+-+-", "UUUUUUUU", 0},
      {2, 2, "--+-+-+-", "?DDDDDDD", 0},
      {2, 2, "+--++--++", "UUDDUUDDU", 4},
      // What could not be asked neither counts nor breaks a row.
      {2, 2, "......", "??????", 0},
      {2, 2, "+.-.-", "UUUUD", 1},
      {2, 2, "--.+.+", "?DDDDU", 1},
  };
  for (const Row& row : rows) {
    CAPTURE(row.outcomes);
    Check check;
    check.rise = row.rise;
    check.fall = row.fall;
    RiseAndFall verdict(at_second(0));
    std::string got;
    for (const char one : row.outcomes) {
      const ServerHealth before = verdict.health();
      const bool changed = verdict.heard(outcome(one), check, at_second(1));
      CHECK(changed ==
            (verdict.health().health != before.health || verdict.health().cause != before.cause));
      got += letter(verdict.health().health);
    }
    CHECK(got == row.want);
    CHECK(verdict.health().transitions == row.transitions);
  }
}

TEST_CASE("rise and fall: since when, and why") {
  Check check;
  RiseAndFall verdict(at_second(10));
  CHECK(verdict.health().since.steady == at_second(10).steady);

  verdict.heard(outcome('+'), check, at_second(11));
  CHECK(verdict.health().since.steady == at_second(11).steady);
  CHECK(verdict.health().cause.empty());

  verdict.heard(outcome('-'), check, at_second(12));
  CHECK(verdict.health().since.steady == at_second(11).steady);
  CHECK(verdict.health().cause == "refused");

  verdict.heard(outcome('-'), check, at_second(13));
  verdict.heard(outcome('-'), check, at_second(14));
  CHECK(verdict.health().since.wall == at_second(13).wall);

  verdict.heard(outcome('.'), check, at_second(15));
  CHECK(verdict.health().cause == "no descriptor");
}
