#include "reconciler/slow_start.h"

#include <doctest/doctest.h>

using namespace twobox;
using namespace std::chrono_literals;

TEST_CASE("a weight grows from a tenth to all in ten steps") {
  const std::uint32_t want[] = {10, 20, 30, 40, 50, 60, 70, 80, 90, 100};
  for (int step = 0; step < 10; ++step) {
    CAPTURE(step);
    CHECK(slow_start_weight(100, 10s * step, 90s) == want[step]);
    CHECK(slow_start_weight(100, 10s * step + 9s, 90s) == want[step]);
  }
  CHECK(slow_start_weight(100, 24h, 90s) == 100);
}

TEST_CASE("a weight is 1 at least, and 0 only where the document says so") {
  CHECK(slow_start_weight(1, 0s, 90s) == 1);
  CHECK(slow_start_weight(3, 0s, 90s) == 1);
  CHECK(slow_start_weight(3, 60s, 90s) == 2);
  CHECK(slow_start_weight(3, 90s, 90s) == 3);
  CHECK(slow_start_weight(0, 0s, 90s) == 0);
  CHECK(slow_start_weight(2147483647, 0s, 90s) == 214748364);
  CHECK(slow_start_weight(2147483647, 90s, 90s) == 2147483647);
}

TEST_CASE("the next change is the next step that makes a difference") {
  CHECK(next_weight_at(100, 0s, 90s) == 10s);
  CHECK(next_weight_at(100, 10s, 90s) == 20s);
  CHECK(next_weight_at(100, 80s, 90s) == 90s);
  CHECK_FALSE(next_weight_at(100, 90s, 90s).has_value());
  CHECK(next_weight_at(2, 0s, 90s) == 90s);
  CHECK_FALSE(next_weight_at(1, 0s, 90s).has_value());
  CHECK_FALSE(next_weight_at(0, 0s, 90s).has_value());
}

TEST_CASE("whoever wakes when told finds the weight changed, for any span") {
  for (const auto span : {1s, 7s, 86400s})
    for (const std::uint32_t weight : {2U, 3U, 9U, 100U, 2147483647U}) {
      SteadyTime::duration age{0};
      int wakes = 0;
      while (const auto next = next_weight_at(weight, age, span)) {
        CHECK(slow_start_weight(weight, *next, span) > slow_start_weight(weight, age, span));
        age = *next;
        REQUIRE(++wakes < 10);
      }
      CHECK(slow_start_weight(weight, age, span) == weight);
    }
}
