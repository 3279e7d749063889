// Random pairs of what is wanted and what is there: the plan always closes the gap, and touches
// nothing else.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "tests/support/fake_kernel.h"
#include "tests/support/random_state.h"

using namespace twobox;
using twobox::testing::FakeKernel;
using twobox::testing::MemoryOwnership;
using twobox::testing::RandomState;
using twobox::testing::require_foreign_untouched;
using twobox::testing::require_reached;

namespace {

PassReport pass(const DesiredState& wanted, FakeKernel& kernel, MemoryOwnership& ownership) {
  Refusals refusals;
  auto report = reconcile_once(wanted, kernel, ownership, refusals, SteadyTime{});
  RC_ASSERT(report.has_value());
  return *std::move(report);
}

}  // namespace

TEST_CASE("from any state to any other in one pass, and a second pass does nothing") {
  std::size_t pairs = 0;
  const bool held = rc::check([&pairs] {
    // Several steps on one kernel, so that what was made by one document is taken away by the next.
    RandomState random(*rc::gen::arbitrary<std::uint64_t>());
    DesiredState wanted = random.desired();
    FakeKernel kernel(random.found(wanted));
    MemoryOwnership ownership;
    for (int step = 0; step < 100; ++step, ++pairs) {
      const KernelState before = kernel.state.kernel;
      const OwnershipRecord record = ownership.record();
      const PassReport first = pass(wanted, kernel, ownership);
      RC_ASSERT(first.remaining.in_sync());
      require_reached(kernel.state.kernel, wanted.kernel);
      require_foreign_untouched(before, kernel.state.kernel, wanted, record);
      const KernelState reached = kernel.state.kernel;
      RC_ASSERT(pass(wanted, kernel, ownership).planned.in_sync());
      RC_ASSERT(kernel.state.kernel == reached);
      wanted = random.desired();
      if (random.coin()) {
        const KernelState sabotaged = random.found(wanted);
        kernel.state.kernel = sabotaged;
      }
    }
  });
  CHECK(held);
  CHECK(pairs >= 10'000);
}

TEST_CASE("what a pass plans does not depend on what it knows from before") {
  std::size_t settled = 0;
  CHECK(rc::check([&settled] {
    RandomState random(*rc::gen::arbitrary<std::uint64_t>());
    const DesiredState wanted = random.desired();
    FakeKernel kernel(random.found(wanted));
    MemoryOwnership ownership;
    Refusals refusals;
    Sighting seen;
    for (int step = 0; step < 20; ++step) {
      const Plan plan = make_plan(wanted, kernel.state, ownership.record());
      settled += seen.settled ? 1 : 0;
      seen.stale = Parts::all();
      const auto report = reconcile_once(wanted, kernel, ownership, refusals, SteadyTime{}, seen);
      RC_ASSERT(report.has_value());
      RC_ASSERT(report->planned == plan);
      require_reached(kernel.state.kernel, wanted.kernel);
      kernel.state.kernel = random.found(wanted);
    }
  }));
  CHECK(settled > 0);
}

TEST_CASE("cleanup leaves what was there before the first document") {
  CHECK(rc::check([] {
    RandomState random(*rc::gen::arbitrary<std::uint64_t>());
    const DesiredState wanted = random.desired();
    FakeKernel kernel;
    kernel.state.kernel.sysctls[SysctlKey{"net.ipv4.ip_forward"}] = {"0"};
    kernel.state.kernel.ipvs_timeouts[{}] = {900, 120, 300};
    const KernelState before = kernel.state.kernel;
    MemoryOwnership ownership;
    pass(wanted, kernel, ownership);
    pass(nothing_desired(), kernel, ownership);
    kernel.state.kernel.ipvs_timeouts = before.ipvs_timeouts;  // timeouts have no former value
    RC_ASSERT(kernel.state.kernel == before);
    RC_ASSERT(ownership.record() == OwnershipRecord{});
  }));
}
