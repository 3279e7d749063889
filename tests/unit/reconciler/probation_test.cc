#include "reconciler/probation.h"

#include <doctest/doctest.h>

using namespace twobox;
using namespace std::chrono_literals;

namespace {

constexpr SteadyTime kBegin{1000s};

/// Begun, with so many passes that left something undone.
Probation after_passes(int passes) {
  Probation probation;
  probation.begin(kBegin);
  for (int i = 0; i < passes; ++i) probation.pass_left_something();
  return probation;
}

}  // namespace

TEST_CASE("probation: ten seconds and three passes prove that a document can't be held") {
  CHECK_FALSE(after_passes(3).has_failed(kBegin + 9999ms));
  CHECK(after_passes(3).has_failed(kBegin + 10s));
  CHECK(after_passes(3).due() == kBegin + 10s);
}

TEST_CASE("probation: one refusal proves nothing, however long ago it began") {
  CHECK_FALSE(after_passes(2).has_failed(kBegin + 1h));
  CHECK_FALSE(after_passes(2).due().has_value());
}

TEST_CASE("probation: what has converged, or never began, does not fail") {
  Probation probation = after_passes(3);
  probation.end();
  CHECK_FALSE(probation.has_failed(kBegin + 1h));
  CHECK_FALSE(probation.due().has_value());
  Probation never;
  never.pass_left_something();
  CHECK_FALSE(never.has_failed(kBegin + 1h));
}

TEST_CASE("probation: the next document has all of its own time") {
  Probation probation = after_passes(3);
  probation.begin(kBegin + 9s);
  probation.pass_left_something();
  CHECK_FALSE(probation.has_failed(kBegin + 1h));
}
