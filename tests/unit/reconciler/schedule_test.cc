#include "reconciler/schedule.h"

#include <doctest/doctest.h>

using namespace twobox;
using namespace std::chrono_literals;

namespace {

constexpr SteadyTime kStart{};

Schedule after_a_pass() {
  Schedule schedule(5s);
  schedule.pass_begins(kStart);
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
  for (int i = 0; i < 3; ++i) schedule.wake(Parts::all());
  CHECK(schedule.next({}) == SteadyTime::min());
  schedule.pass_begins(kStart + 1s);
  schedule.pass_succeeded(kStart + 1s);
  CHECK(schedule.next({}) == kStart + 6s);
}

TEST_CASE("a wake during a pass is not lost") {
  Schedule schedule = after_a_pass();
  schedule.pass_begins(kStart + 1s);
  schedule.wake(Parts::all());
  schedule.pass_succeeded(kStart + 1s);
  CHECK(schedule.next({}) == SteadyTime::min());
}

TEST_CASE("failing passes wait longer each time, until one succeeds") {
  Schedule schedule = after_a_pass();
  for (const auto delay : {100ms, 200ms, 400ms}) {
    schedule.pass_begins(kStart);
    schedule.pass_failed(kStart);
    schedule.wake(Parts::all());
    CHECK(schedule.next({}) == kStart + delay);
    CHECK(schedule.next(kStart + 1ms) == kStart + delay);  // a refused object does not hasten it
  }
  schedule.pass_begins(kStart);
  schedule.pass_succeeded(kStart);
  schedule.pass_begins(kStart);
  schedule.pass_failed(kStart);
  CHECK(schedule.next({}) == kStart + 100ms);
}

TEST_CASE("starting afresh forgets the failures") {
  Schedule schedule = after_a_pass();
  schedule.pass_failed(kStart);
  schedule.start_afresh();
  CHECK(schedule.next({}) == SteadyTime::min());
}

TEST_CASE("a pass reads what was heard of; the timed one reads everything") {
  Schedule schedule(5s);
  CHECK(schedule.pass_begins(kStart) == Parts::all());
  schedule.pass_succeeded(kStart);
  schedule.wake({});
  CHECK(schedule.pass_begins(kStart + 1s) == Parts{});
  schedule.wake({.ipvs = true});
  schedule.wake({.nftables = true});
  CHECK(schedule.pass_begins(kStart + 2s) == Parts{.ipvs = true, .nftables = true});
  schedule.pass_succeeded(kStart + 2s);
  // Whatever was heard meanwhile, everything is read in time.
  CHECK(schedule.next({}) == kStart + 5s);
  schedule.wake({});
  CHECK(schedule.pass_begins(kStart + 5s) == Parts::all());
  schedule.pass_succeeded(kStart + 5s);
  schedule.set_resync(30s);
  CHECK(schedule.next({}) == kStart + 35s);
}

TEST_CASE("after a failed pass everything is read") {
  Schedule schedule = after_a_pass();
  schedule.wake({});
  schedule.pass_begins(kStart + 1s);
  schedule.pass_failed(kStart + 1s);
  CHECK(schedule.pass_begins(kStart + 2s) == Parts::all());
}

TEST_CASE("what can wait does, and goes along with the next pass") {
  Schedule schedule = after_a_pass();
  const Parts other{.other_tables = true};
  schedule.wake_by(kStart + 2s, other);
  schedule.wake_by(kStart + 3s, other);
  CHECK(schedule.next({}) == kStart + 2s);
  schedule.wake({});
  CHECK(schedule.next({}) == SteadyTime::min());
  CHECK(schedule.pass_begins(kStart + 1s) == other);
  schedule.pass_succeeded(kStart + 1s);
  CHECK(schedule.next({}) == kStart + 5s);
}

namespace {

/// How many passes there are in a second in which a wake comes each millisecond.
int passes_in_a_stormy_second(Schedule& schedule, SteadyTime begin) {
  int passes = 0;
  for (SteadyTime now = begin; now < begin + 1s; now += 1ms) {
    schedule.wake({});
    if (schedule.next({}) > now) continue;
    schedule.pass_begins(now);
    schedule.pass_succeeded(now);
    ++passes;
  }
  return passes;
}

}  // namespace

TEST_CASE("a storm of wakes is answered at once for a while, then from time to time") {
  Schedule schedule = after_a_pass();
  CHECK(passes_in_a_stormy_second(schedule, kStart + 1s) >= Schedule::kPassesAtOnce);
  CHECK(passes_in_a_stormy_second(schedule, kStart + 2s) == 1s / Schedule::kBetweenPasses);
  CHECK(passes_in_a_stormy_second(schedule, kStart + 3s) == 1s / Schedule::kBetweenPasses);
  schedule.wake({});
  CHECK(schedule.next({}) < kStart + 4s + Schedule::kBetweenPasses);
}

TEST_CASE("after a storm a new document is acted on at once, and so is the next wake in a while") {
  Schedule schedule = after_a_pass();
  passes_in_a_stormy_second(schedule, kStart + 1s);
  schedule.start_afresh();
  CHECK(schedule.next({}) == SteadyTime::min());
  passes_in_a_stormy_second(schedule, kStart + 2s);
  schedule.pass_begins(kStart + 6s);
  schedule.pass_succeeded(kStart + 6s);
  schedule.wake({});
  CHECK(schedule.next({}) == SteadyTime::min());
}
