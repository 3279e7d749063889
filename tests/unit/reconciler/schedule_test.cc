#include "reconciler/schedule.h"

#include <doctest/doctest.h>

using namespace twobox;
using namespace std::chrono_literals;

namespace {

constexpr SteadyTime kStart{};

Schedule after_a_pass() {
  Schedule schedule(5s);
  schedule.pass_begins();
  schedule.pass_succeeded(kStart);
  return schedule;
}

}  // namespace

TEST_CASE("the first pass is due at once") {
  CHECK(Schedule(5s).next({}) == SteadyTime::min());
  CHECK(Schedule(5s).next(kStart + 1h) == SteadyTime::min());
}

TEST_CASE("without news the next pass is timed, or due when a refused object may be tried") {
  const Schedule schedule = after_a_pass();
  CHECK(schedule.next({}) == kStart + 5s);
  CHECK(schedule.next(kStart + 100ms) == kStart + 100ms);
  CHECK(schedule.next(kStart + 1min) == kStart + 5s);
}

TEST_CASE("many wakes are one pass") {
  Schedule schedule = after_a_pass();
  for (int i = 0; i < 3; ++i) schedule.wake();
  CHECK(schedule.next({}) == SteadyTime::min());
  schedule.pass_begins();
  schedule.pass_succeeded(kStart + 1s);
  CHECK(schedule.next({}) == kStart + 6s);
}

TEST_CASE("a wake during a pass is not lost") {
  Schedule schedule = after_a_pass();
  schedule.pass_begins();
  schedule.wake();
  schedule.pass_succeeded(kStart + 1s);
  CHECK(schedule.next({}) == SteadyTime::min());
}

TEST_CASE("failing passes wait longer each time, until one succeeds") {
  Schedule schedule = after_a_pass();
  for (const auto delay : {100ms, 200ms, 400ms}) {
    schedule.pass_begins();
    schedule.pass_failed(kStart);
    schedule.wake();
    CHECK(schedule.next({}) == kStart + delay);
    CHECK(schedule.next(kStart + 1ms) == kStart + delay);  // a refused object does not hasten it
  }
  schedule.pass_begins();
  schedule.pass_succeeded(kStart);
  schedule.pass_begins();
  schedule.pass_failed(kStart);
  CHECK(schedule.next({}) == kStart + 100ms);
}

TEST_CASE("starting afresh forgets the failures") {
  Schedule schedule = after_a_pass();
  schedule.pass_failed(kStart);
  schedule.start_afresh();
  CHECK(schedule.next({}) == SteadyTime::min());
}
