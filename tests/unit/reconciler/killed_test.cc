// The process dies, or the kernel refuses, between any two steps of a pass: what starts again
// closes the gap, touches nothing foreign, and forgets nothing that it has made.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <cerrno>
#include <optional>

#include "reconciler/describe.h"
#include "tests/support/fake_kernel.h"
#include "tests/support/random_state.h"

using namespace twobox;
using twobox::testing::FakeKernel;
using twobox::testing::MemoryOwnership;
using twobox::testing::RandomState;
using twobox::testing::require_foreign_untouched;
using twobox::testing::require_reached;

namespace {

struct Killed {};

/// Steps that are left to live; nullopt: for ever.
struct Life {
  std::optional<std::size_t> steps;

  void step() {
    if (steps && *steps == 0) throw Killed();
    if (steps) --*steps;
  }
};

/// Death may come before each call and, where the kernel takes one change after the other, between
/// any two of them.
class MortalKernel : public FakeKernel {
 public:
  explicit MortalKernel(Life& life) : life_(life) {}

  Result<ObservedState> observe(const Scope& scope) override {
    life_.step();
    return FakeKernel::observe(scope);
  }
  std::vector<Status> apply(Subsystem subsystem, std::span<const Change> changes,
                            const std::map<NftRuleKey, std::uint64_t>& handles) override {
    if (subsystem == Subsystem::kNftables) return apply_alive(subsystem, changes, handles);
    std::vector<Status> outcomes;
    for (const Change& change : changes)
      outcomes.push_back(apply_alive(subsystem, {&change, 1}, handles).front());
    return outcomes;
  }
  Status announce(const InterfaceName& interface, const IpAddress& address, int count) override {
    life_.step();
    return FakeKernel::announce(interface, address, count);
  }

 private:
  std::vector<Status> apply_alive(Subsystem subsystem, std::span<const Change> changes,
                                  const std::map<NftRuleKey, std::uint64_t>& handles) {
    life_.step();
    return FakeKernel::apply(subsystem, changes, handles);
  }

  Life& life_;
};

/// A file that is replaced as a whole: before it there is the old record, behind it the new one.
class MortalOwnership : public MemoryOwnership {
 public:
  explicit MortalOwnership(Life& life) : life_(life) {}

  Status save(const OwnershipRecord& record) override {
    life_.step();
    const Status saved = MemoryOwnership::save(record);
    life_.step();
    return saved;
  }

 private:
  Life& life_;
};

struct Box {
  Life life;
  MortalKernel kernel{life};
  MortalOwnership ownership{life};

  explicit Box(const KernelState& state) { kernel.state.kernel = state; }
  Box(const Box& other) : Box(other.kernel.state.kernel) {
    RC_ASSERT(ownership.save(other.ownership.record()).has_value());
  }
  Box& operator=(const Box&) = delete;
  ~Box() = default;

  /// By a process of its own, which remembers neither refusals nor what others have seen.
  Result<PassReport> pass(const DesiredState& wanted) {
    Refusals refusals;
    return reconcile_once(wanted, kernel, ownership, refusals, SteadyTime{});
  }

  /// Whether the pass came to its end.
  bool lives_through(const DesiredState& wanted, std::size_t steps) {
    life.steps = steps;
    bool lived = true;
    try {
      RC_ASSERT(pass(wanted).has_value());
    } catch (const Killed&) {
      lived = false;
    }
    life.steps.reset();
    return lived;
  }

  void converge(const DesiredState& wanted) {
    const auto report = pass(wanted);
    RC_ASSERT(report.has_value());
    RC_ASSERT(report->remaining.in_sync());
  }
};

/// Takes out of `state` what the document wants, which would rightly be adopted, and goes with it.
void leave_to(const DesiredState& wanted, KernelState& state) {
  for (const auto& [key, config] : wanted.kernel.addresses) state.addresses.erase(key);
  for (const auto& wanted_service : wanted.kernel.ipvs_services) {
    const IpvsServiceKey& key = wanted_service.first;
    state.ipvs_services.erase(key);
    std::erase_if(state.ipvs_servers,
                  [&](const auto& server) { return server.first.service == key; });
  }
}

/// Three documents, and a machine with what is other people's.
struct Scene {
  DesiredState first, second, third;
  KernelState before;

  explicit Scene(std::uint64_t seed) {
    RandomState random(seed);
    const KernelState others = random.found(DesiredState{});
    before.addresses = others.addresses;
    before.ipvs_services = others.ipvs_services;
    before.ipvs_servers = others.ipvs_servers;
    before.sysctls = others.sysctls;
    for (DesiredState* const wanted : {&first, &second, &third}) {
      *wanted = random.desired();
      wanted->prune = Prune::kOwned;
      wanted->kernel.ipvs_timeouts.clear();  // they have no former value to go back to
      leave_to(*wanted, before);
    }
  }
};

constexpr std::size_t kMoreThanAnyPass = 1000;

}  // namespace

TEST_CASE("killed between any two steps, a new process ends where it should") {
  std::size_t deaths = 0;
  CHECK(rc::check([&deaths] {
    const Scene scene(*rc::gen::arbitrary<std::uint64_t>());
    Box before(scene.before);
    before.converge(scene.first);
    for (std::size_t steps = 0; steps < kMoreThanAnyPass; ++steps) {
      Box box(before);
      const bool lived = box.lives_through(scene.second, steps);
      const Box found(box);
      // The document may have changed while nobody ran.
      const DesiredState& wanted = steps % 2 == 0 ? scene.second : scene.third;
      box.converge(wanted);
      require_reached(box.kernel.state.kernel, wanted.kernel);
      require_foreign_untouched(found.kernel.state.kernel, box.kernel.state.kernel, wanted,
                                found.ownership.record());
      box.converge(nothing_desired());
      const KernelState& left = box.kernel.state.kernel;
      RC_ASSERT(left.addresses == scene.before.addresses);
      RC_ASSERT(left.sysctls == scene.before.sysctls);
      RC_ASSERT(left.ipvs_services == scene.before.ipvs_services);
      RC_ASSERT(left == scene.before);
      RC_ASSERT(box.ownership.record() == OwnershipRecord{});
      if (lived) return;
      ++deaths;
    }
    RC_FAIL("the pass never ends");
  }));
  CHECK(deaths > 1000);
}

TEST_CASE("whatever step is refused, nothing foreign is touched, and the next pass mends it") {
  std::size_t refusals = 0;
  CHECK(rc::check([&refusals] {
    const Scene scene(*rc::gen::arbitrary<std::uint64_t>());
    Box before(scene.before);
    before.converge(scene.first);
    const auto planned = Box(before).pass(scene.second);
    RC_ASSERT(planned.has_value());
    for (const Step& step : planned->planned.steps) {
      Box box(before);
      box.kernel.refuse[object_name(step.change)] = EPERM;
      const auto report = box.pass(scene.second);
      RC_ASSERT(report.has_value());
      RC_ASSERT_FALSE(report->remaining.in_sync());
      require_foreign_untouched(before.kernel.state.kernel, box.kernel.state.kernel, scene.second,
                                before.ownership.record());
      box.kernel.refuse.clear();
      box.converge(scene.second);
      require_reached(box.kernel.state.kernel, scene.second.kernel);
      ++refusals;
    }
  }));
  CHECK(refusals > 300);
}
