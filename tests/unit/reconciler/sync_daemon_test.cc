// Sync daemons whose interface is made anew under them.
#include "reconciler/sync_daemon.h"

#include <doctest/doctest.h>

#include <cerrno>

#include "reconciler/reconcile.h"
#include "tests/support/fake_kernel.h"

using namespace twobox;
using namespace std::chrono_literals;
using twobox::testing::FakeKernel;
using twobox::testing::MemoryOwnership;

namespace {

const InterfaceName kWire = *InterfaceName::parse("enp0s3");
const SyncDaemonKey kMaster{SyncState::kMaster};
const SyncDaemonKey kBackup{SyncState::kBackup};

SyncDaemonConfig daemon_on(const InterfaceName& interface) {
  return {interface, 7, 1472, *IpAddress::parse("224.0.0.81"), 8848, 1};
}

/// Both daemons wanted; the wire interface has index 2.
struct Box {
  Box() {
    kernel.state.links[kWire].index = 2;
    wanted.manages_sync_daemon = true;
    for (const SyncDaemonKey key : {kMaster, kBackup})
      wanted.kernel.ipvs_daemons.emplace(key, daemon_on(kWire));
  }

  PassReport pass() {
    const auto report = reconcile_once(wanted, kernel, ownership, refusals, time);
    REQUIRE(report.has_value());
    return *report;
  }
  std::uint32_t noted(SyncDaemonKey key) const {
    return ownership.record().ipvs_daemons.at(key).interface_index;
  }

  FakeKernel kernel;
  MemoryOwnership ownership;
  Refusals refusals;
  DesiredState wanted;
  SteadyTime time{};
};

}  // namespace

TEST_CASE("daemons whose interface has been made anew are started again, once") {
  Box box;
  CHECK(box.pass().planned.steps.size() == 2);
  CHECK(box.pass().planned.in_sync());

  box.kernel.state.links[kWire].index = 9;
  const PassReport restart = box.pass();
  REQUIRE(restart.planned.steps.size() == 2);
  for (const Step& step : restart.planned.steps) {
    const auto& change = std::get<SyncDaemonChange>(step.change);
    CHECK(change.before == change.after);
    CHECK(step.reason == "its interface was made anew, and it still holds on to the old one");
  }
  CHECK(restart.remaining.in_sync());
  CHECK(box.noted(kMaster) == 9);
  CHECK(box.pass().planned.in_sync());
}

TEST_CASE("while the interface is gone there is nothing to start them on") {
  Box box;
  box.pass();
  box.kernel.state.links.clear();
  CHECK(box.pass().planned.in_sync());
  CHECK(box.noted(kBackup) == 2);
  box.kernel.state.links[kWire].index = 3;
  CHECK(box.pass().planned.steps.size() == 2);
  CHECK(box.pass().planned.in_sync());
}

TEST_CASE("a restart that was refused stays visible, and is tried again") {
  Box box;
  box.pass();
  box.kernel.state.links[kWire].index = 9;
  box.kernel.refuse["ipvs_daemon backup"] = ENODEV;
  CHECK(box.pass().remaining.steps.size() == 1);
  CHECK(box.noted(kMaster) == 9);
  CHECK(box.noted(kBackup) == 2);

  box.kernel.refuse.clear();
  box.time += 1min;
  CHECK(box.pass().remaining.in_sync());
  CHECK(box.noted(kBackup) == 9);
}

TEST_CASE("daemons that ran before us are adopted as they are") {
  Box box;
  box.kernel.state.kernel.ipvs_daemons = box.wanted.kernel.ipvs_daemons;
  CHECK(box.pass().planned.in_sync());
  CHECK(box.noted(kMaster) == 2);
}

TEST_CASE("a record that does not know the interface takes today's") {
  Box box;
  box.pass();
  OwnershipRecord old = box.ownership.record();
  old.ipvs_daemons = {{kMaster, {}}, {kBackup, {}}};
  REQUIRE(box.ownership.save(old));
  box.kernel.state.links[kWire].index = 9;
  CHECK(box.pass().planned.in_sync());
  CHECK(box.noted(kBackup) == 9);
}

TEST_CASE("a daemon that moves to another interface is noted there") {
  Box box;
  box.pass();
  const InterfaceName other = *InterfaceName::parse("enp0s8");
  box.kernel.state.links[other].index = 5;
  for (auto& [key, config] : box.wanted.kernel.ipvs_daemons) config = daemon_on(other);
  CHECK(box.pass().remaining.in_sync());
  CHECK(box.noted(kMaster) == 5);
  CHECK(box.pass().planned.in_sync());
}
