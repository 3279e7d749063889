// What a pass does when the kernel refuses, or can't be read.
#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>

#include "reconciler/bypass_table.h"
#include "reconciler/describe.h"
#include "reconciler/schedule.h"
#include "tests/unit/reconciler/reconcile_box.h"

using namespace twobox;
using namespace std::chrono_literals;
using twobox::testing::Box;
using twobox::testing::kEndpoint;
using twobox::testing::kVip;
using twobox::testing::kVipAddress;
using twobox::testing::with_service;

namespace {

std::vector<std::string> phases(const Plan& plan) {
  std::vector<std::string> names;
  for (const Step& step : plan.steps) {
    const std::string name(to_string(step.phase));
    if (names.empty() || names.back() != name) names.push_back(name);
  }
  return names;
}

}  // namespace

TEST_CASE("a refused real server does not stop the others, and stays visible with its errno") {
  Box box;
  const std::string refused = "ipvs_server tcp 192.0.2.1:80 -> 192.0.2.11:80";
  box.kernel.refuse[refused] = EINVAL;

  const auto report = box.pass(with_service(Role::kBackup));
  REQUIRE(report.has_value());
  CHECK(box.kernel.state.kernel.ipvs_servers.size() == 1);
  REQUIRE(report->remaining.steps.size() == 1);
  CHECK(object_name(report->remaining.steps[0].change) == refused);
  REQUIRE(box.refusals.entries().contains(refused));
  CHECK(box.refusals.entries().at(refused).error.errno_value == EINVAL);
  CHECK(box.refusals.entries().at(refused).next_attempt == box.time + 100ms);
}

TEST_CASE("a refused object waits longer each time, and is forgotten when it succeeds") {
  Box box;
  const DesiredState wanted = with_service(Role::kMaster);
  const std::string refused = "address enp0s3 192.0.2.1/32";
  box.kernel.refuse[refused] = EPERM;
  for (const auto delay : {100ms, 200ms, 400ms, 800ms}) {
    REQUIRE(box.pass(wanted).has_value());
    CHECK(box.refusals.entries().at(refused).next_attempt == box.time + delay);
    REQUIRE(box.pass(wanted).has_value());  // too early: not tried
    CHECK(box.refusals.entries().at(refused).next_attempt == box.time + delay);
    box.time += delay;
  }
  box.kernel.refuse.clear();
  REQUIRE(box.pass(wanted).has_value());
  CHECK(box.refusals.entries().empty());
  CHECK(box.kernel.state.kernel.addresses.contains(kVipAddress));
}

TEST_CASE("without its bypass a backup gets no service: it would open the loop") {
  for (const char* object : {"nft_rule inet twobox bypass redirect-ipv4",
                             "nft_element inet twobox redirect-ipv4 192.0.2.1 . tcp . 80"}) {
    CAPTURE(object);
    Box box;
    box.kernel.refuse[object] = EOPNOTSUPP;
    REQUIRE(box.pass(with_service(Role::kBackup)).has_value());
    CHECK(box.kernel.state.kernel.ipvs_services.empty());
    CHECK(box.kernel.state.kernel.ipvs_servers.empty());
    CHECK(!box.kernel.state.kernel.nft_sets.empty());  // the rest of the batch was carried out
  }
}

TEST_CASE("an unreadable kernel and an unwritable record leave everything as it is") {
  Box box;
  box.kernel.unreadable = Error{ErrorKind::kTornDump, 0, "dump interrupted"};
  CHECK_FALSE(box.pass(with_service(Role::kMaster)).has_value());
  box.kernel.unreadable.reset();
  box.ownership.full_disk = true;
  const auto unrecorded = box.pass(with_service(Role::kMaster));
  REQUIRE_FALSE(unrecorded.has_value());
  CHECK(unrecorded.error().kind == ErrorKind::kNotRecorded);
  CHECK(box.kernel.state.kernel == KernelState{});
}

TEST_CASE("a node that is refused the address keeps its bypass") {
  Box box;
  REQUIRE(box.pass(with_service(Role::kBackup)).has_value());
  box.kernel.refuse["address enp0s3 192.0.2.1/32"] = EPERM;
  REQUIRE(box.pass(with_service(Role::kMaster)).has_value());
  REQUIRE(box.pass(with_service(Role::kMaster)).has_value());
  CHECK(box.kernel.state.kernel.nft_elements.size() == 1);

  box.kernel.refuse.clear();
  box.time += 1min;
  const auto gained = box.pass(with_service(Role::kMaster));
  REQUIRE(gained.has_value());
  CHECK(box.kernel.state.kernel.addresses.contains(kVipAddress));
  CHECK_FALSE(gained->remaining.in_sync());  // so that another pass comes
  REQUIRE(box.pass(with_service(Role::kMaster)).has_value());
  CHECK(box.kernel.state.kernel.nft_elements.empty());
}

TEST_CASE("a refused address that somebody else puts there needs the bypass no longer") {
  Box box;
  const DesiredState wanted = with_service(Role::kMaster);
  Sighting seen;
  const auto pass = [&] {
    return reconcile_once(wanted, box.kernel, box.ownership, box.refusals, box.time, seen);
  };
  box.kernel.refuse["address enp0s3 192.0.2.1/32"] = EPERM;
  REQUIRE(pass().has_value());
  REQUIRE(pass().has_value());
  REQUIRE(box.kernel.state.kernel.nft_elements.size() == 1);

  box.kernel.state.kernel.addresses[kVipAddress] = {};
  const auto found = pass();
  REQUIRE(found.has_value());
  CHECK_FALSE(found->remaining.in_sync());
  REQUIRE(pass().has_value());
  CHECK(box.kernel.state.kernel.nft_elements.empty());
}

TEST_CASE("the order of a change of roles") {
  Box box;
  REQUIRE(box.pass(with_service(Role::kBackup)).has_value());
  const auto promoted = box.pass(with_service(Role::kMaster));
  REQUIRE(promoted.has_value());
  CHECK(phases(promoted->planned) == std::vector<std::string>{"bypass-off", "vip-on"});
  CHECK(box.kernel.announced == std::vector<AddressKey>{kVipAddress});
  const auto demoted = box.pass(with_service(Role::kBackup));
  REQUIRE(demoted.has_value());
  CHECK(phases(demoted->planned) == std::vector<std::string>{"bypass-on", "vip-off"});
  const auto removed = box.pass(nothing_desired());
  REQUIRE(removed.has_value());
  CHECK(phases(removed->planned) == std::vector<std::string>{"services-gone", "bypass-gone"});
}

TEST_CASE("a VIP that others put on the interface is neither taken away nor hidden") {
  Box box;
  box.kernel.state.kernel.addresses[kVipAddress] = {};
  const auto report = box.pass(with_service(Role::kBackup));
  REQUIRE(report.has_value());
  CHECK(box.kernel.state.kernel.addresses.contains(kVipAddress));
  REQUIRE(report->planned.foreign.size() == 1);
  CHECK(std::get<AddressKey>(report->planned.foreign[0].key) == kVipAddress);
}

TEST_CASE("an equal VIP is adopted, and given up with the role") {
  Box box;
  box.kernel.state.kernel.addresses[kVipAddress] = {};
  REQUIRE(box.pass(with_service(Role::kMaster)).has_value());
  CHECK(box.kernel.announced.empty());  // it was there already
  REQUIRE(box.pass(with_service(Role::kBackup)).has_value());
  CHECK_FALSE(box.kernel.state.kernel.addresses.contains(kVipAddress));
}

TEST_CASE("a failing pass waits; wakes do not hasten it, a new document does") {
  Schedule schedule(5s);
  const SteadyTime start{};
  CHECK(schedule.next({}) <= start);
  schedule.pass_failed(start);
  schedule.wake({});
  CHECK(schedule.next({}) == start + 100ms);
  schedule.start_afresh();
  CHECK(schedule.next({}) <= start);
  schedule.pass_begins(start);
  schedule.pass_succeeded(start);
  CHECK(schedule.next({}) == start + 5s);
  CHECK(schedule.next(start + 1s) == start + 1s);
  schedule.wake({});
  CHECK(schedule.next({}) <= start);
}

TEST_CASE("a pass reads what may have changed, and what it has changed itself") {
  Box box;
  Sighting seen;
  const DesiredState wanted = with_service(Role::kMaster);
  const auto pass = [&] {
    box.kernel.read.clear();
    const auto report =
        reconcile_once(wanted, box.kernel, box.ownership, box.refusals, box.time, seen);
    REQUIRE(report.has_value());
    CHECK(report->remaining.in_sync());
    return report->planned.steps.size();
  };
  CHECK(pass() > 0);
  const Parts the_service{.ipvs_services = {kEndpoint}};
  Parts made = the_service;
  made.nftables = true;
  CHECK(box.kernel.read == std::vector<Parts>{Parts::all(), made});

  // Nothing was heard of: not even what somebody did is seen.
  box.kernel.state.kernel.ipvs_services.clear();
  box.kernel.state.kernel.ipvs_servers.clear();
  CHECK(pass() == 0);
  CHECK(box.kernel.read == std::vector<Parts>{{}});
  seen.stale.ipvs = true;
  CHECK(pass() == 1 + 2);
  CHECK(box.kernel.read == std::vector<Parts>{{.ipvs = true}, the_service});

  // Addresses are always read, and concern no other part.
  box.kernel.state.kernel.addresses.clear();
  CHECK(pass() == 1);
  CHECK(box.kernel.read == std::vector<Parts>{{}, {}});

  // What was seen before a failure is not relied on.
  box.kernel.unreadable = Error{ErrorKind::kTransport, EIO, "socket"};
  CHECK_FALSE(
      reconcile_once(wanted, box.kernel, box.ownership, box.refusals, box.time, seen).has_value());
  box.kernel.unreadable.reset();
  CHECK(pass() == 0);
  CHECK(box.kernel.read == std::vector<Parts>{Parts::all()});
}

TEST_CASE("a plan that nobody gives leave for changes nothing and claims nothing") {
  Box box;
  Sighting nothing;
  std::size_t steps = 0;
  const auto refused =
      reconcile_once(with_service(Role::kMaster), box.kernel, box.ownership, box.refusals, box.time,
                     nothing, [&](const Plan& plan) -> Status {
                       steps = plan.steps.size();
                       return Error{ErrorKind::kUnavailable, 0, "no"};
                     });
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message == "no");
  CHECK(steps > 0);
  CHECK(box.kernel.state.kernel == KernelState{});
  CHECK(box.ownership.record() == OwnershipRecord{});
  const auto given =
      reconcile_once(with_service(Role::kMaster), box.kernel, box.ownership, box.refusals, box.time,
                     nothing, [](const Plan&) { return success(); });
  REQUIRE(given.has_value());
  CHECK(given->applied.outcomes.size() == steps);
}
