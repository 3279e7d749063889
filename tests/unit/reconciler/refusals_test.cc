#include "reconciler/refusals.h"

#include <doctest/doctest.h>

#include <cerrno>

#include "reconciler/backoff.h"

using namespace twobox;
using namespace std::chrono_literals;

namespace {

constexpr SteadyTime kStart{};

Step sysctl(const char* name) {
  return {Phase::kHoldSysctls, SysctlChange{{name}, SysctlConfig{"0"}, SysctlConfig{"1"}}, ""};
}

const Step kForward = sysctl("net.ipv4.ip_forward");
const Step kFilter = sysctl("net.ipv4.conf.all.rp_filter");

struct Taken {
  Step step;
  StepOutcome outcome;
};
Taken refused(const Step& step, ErrorKind kind = ErrorKind::kKernelRefused) {
  return {step, {Error{kind, EPERM, "no"}, true}};
}
Taken held_back(const Step& step) {
  return {step, {Error{ErrorKind::kUnavailable, 0, "held back"}, false}};
}
Taken accepted(const Step& step) {
  return {step, {}};
}
void note(Refusals& refusals, const std::vector<Taken>& taken, const Plan& remaining,
          SteadyTime now) {
  Plan planned;
  ApplyReport applied;
  for (const auto& [step, outcome] : taken) {
    planned.steps.push_back(step);
    applied.outcomes.push_back(outcome);
  }
  refusals.note(planned, applied, remaining, now);
}
Plan left(std::vector<Step> steps) {
  return {std::move(steps), {}};
}

}  // namespace

TEST_CASE("the delay doubles from 100 ms to a minute") {
  const std::pair<unsigned, std::chrono::milliseconds> rows[] = {
      {0, 0ms},       {1, 100ms}, {2, 200ms}, {3, 400ms}, {9, 25'600ms},
      {10, 51'200ms}, {11, 60s},  {17, 60s},  {18, 60s},  {4294967295, 60s}};
  for (const auto& row : rows) {
    CAPTURE(row.first);
    CHECK(retry_delay(row.first) == row.second);
  }
}

TEST_CASE("nothing refused: everything may be tried, nothing is due") {
  const Refusals refusals;
  CHECK(refusals.may_try(kForward.change, kStart));
  CHECK_FALSE(refusals.next_attempt().has_value());
}

TEST_CASE("a refused object waits, another does not") {
  Refusals refusals;
  note(refusals, {refused(kForward)}, left({kForward}), kStart);
  CHECK_FALSE(refusals.may_try(kForward.change, kStart));
  CHECK_FALSE(refusals.may_try(kForward.change, kStart + 99ms));
  CHECK(refusals.may_try(kForward.change, kStart + 100ms));
  CHECK(refusals.may_try(kFilter.change, kStart));
}

TEST_CASE("failures in a row keep their beginning and the newest error") {
  Refusals refusals;
  note(refusals, {refused(kForward)}, left({kForward}), kStart);
  note(refusals, {refused(kForward, ErrorKind::kUnavailable)}, left({kForward}), kStart + 1s);
  const Refusal& refusal = refusals.entries().at("sysctl net.ipv4.ip_forward");
  CHECK(refusal.since == kStart);
  CHECK(refusal.failures == 2);
  CHECK(refusal.error.kind == ErrorKind::kUnavailable);
  CHECK(refusal.next_attempt == kStart + 1s + 200ms);
}

TEST_CASE("what was held back has not failed once more") {
  Refusals refusals;
  note(refusals, {refused(kForward)}, left({kForward}), kStart);
  note(refusals, {held_back(kForward)}, left({kForward}), kStart + 50ms);
  CHECK(refusals.entries().at("sysctl net.ipv4.ip_forward").failures == 1);
  CHECK(refusals.next_attempt() == kStart + 100ms);
}

TEST_CASE("what was accepted and is at once different again counts as refused") {
  Refusals refusals;
  note(refusals, {accepted(kForward)}, left({kForward}), kStart);
  const Refusal& refusal = refusals.entries().at("sysctl net.ipv4.ip_forward");
  CHECK(refusal.error.message ==
        "sysctl net.ipv4.ip_forward: accepted, but at once different again");
  CHECK_FALSE(refusals.may_try(kForward.change, kStart));
}

TEST_CASE("an object leaves when it succeeds or is no longer asked for") {
  Refusals refusals;
  note(refusals, {refused(kForward), refused(kFilter)}, left({kForward, kFilter}), kStart);
  CHECK(refusals.entries().size() == 2);
  note(refusals, {accepted(kForward), refused(kFilter)}, left({kFilter}), kStart + 1s);
  CHECK(refusals.entries().size() == 1);
  CHECK(refusals.entries().contains("sysctl net.ipv4.conf.all.rp_filter"));
  note(refusals, {}, left({}), kStart + 2s);
  CHECK(refusals.entries().empty());
}

TEST_CASE("the next attempt is the earliest of all") {
  Refusals refusals;
  note(refusals, {refused(kForward)}, left({kForward}), kStart);
  note(refusals, {refused(kForward), refused(kFilter)}, left({kForward, kFilter}), kStart + 1s);
  CHECK(refusals.next_attempt() == kStart + 1s + 100ms);
}

TEST_CASE("a new document ends the delays, not the counts") {
  Refusals refusals;
  note(refusals, {refused(kForward), refused(kFilter)}, left({kForward, kFilter}), kStart);
  refusals.retry_now(kStart + 10ms);
  CHECK(refusals.may_try(kForward.change, kStart + 10ms));
  CHECK(refusals.may_try(kFilter.change, kStart + 10ms));
  CHECK(refusals.entries().at("sysctl net.ipv4.ip_forward").failures == 1);
}

TEST_CASE("an attempt that is due already is not put off") {
  Refusals refusals;
  note(refusals, {refused(kForward, ErrorKind::kUnavailable)}, left({kForward}), kStart);
  refusals.retry_now(kStart + 10s);
  refusals.retry_unavailable(kStart + 10s);
  CHECK(refusals.next_attempt() == kStart + 100ms);
}

TEST_CASE("a change of links ends the delay of what lacks something only") {
  Refusals refusals;
  note(refusals, {refused(kForward, ErrorKind::kUnavailable), refused(kFilter)},
       left({kForward, kFilter}), kStart);
  refusals.retry_unavailable(kStart + 10ms);
  CHECK(refusals.may_try(kForward.change, kStart + 10ms));
  CHECK_FALSE(refusals.may_try(kFilter.change, kStart + 10ms));
}
