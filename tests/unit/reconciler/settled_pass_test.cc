// When a pass need not plan: nothing is other than it was when there was nothing to do.
#include <doctest/doctest.h>

#include <cerrno>
#include <chrono>

#include "tests/unit/reconciler/reconcile_box.h"

using namespace twobox;
using namespace std::chrono_literals;
using twobox::testing::Box;
using twobox::testing::kEndpoint;
using twobox::testing::kVip;
using twobox::testing::with_service;

TEST_CASE("a pass that finds all as it was plans nothing anew") {
  Box box;
  Sighting seen;
  const DesiredState wanted = with_service(Role::kMaster);
  const auto pass = [&] {
    const auto report =
        reconcile_once(wanted, box.kernel, box.ownership, box.refusals, box.time, seen);
    REQUIRE(report.has_value());
    return *report;
  };
  CHECK_FALSE(pass().planned.in_sync());
  REQUIRE(seen.settled.has_value());
  CHECK(seen.settled->planned.in_sync());

  // Its report tells whether it was taken over.
  seen.settled->draining.emplace(RealServerKey{kEndpoint, kVip, 80}, 7);
  const auto is_taken_over = [](const PassReport& report) { return !report.draining.empty(); };
  CHECK(is_taken_over(pass()));
  seen.stale = Parts::all();
  CHECK(is_taken_over(pass()));

  SUBCASE("not when IPVS is another") {
    box.kernel.state.kernel.ipvs_servers.begin()->second.weight = 7;
    seen.stale.ipvs = true;
  }
  SUBCASE("not when one service is another") {
    box.kernel.state.kernel.ipvs_servers.clear();
    seen.stale.ipvs_services = {kEndpoint};
  }
  SUBCASE("not when an address is gone") {
    box.kernel.state.kernel.addresses.clear();
  }
  SUBCASE("not when the table is gone") {
    box.kernel.state.kernel.nft_rules.clear();
    seen.stale.nftables = true;
  }
  const PassReport report = pass();
  CHECK_FALSE(is_taken_over(report));
  CHECK_FALSE(report.planned.in_sync());
  CHECK(report.remaining.in_sync());
}

TEST_CASE("a first pass that has nothing to do settles it, too") {
  Box box;
  const DesiredState wanted = with_service(Role::kMaster);
  REQUIRE(box.pass(wanted).has_value());
  Sighting seen;
  const auto report =
      reconcile_once(wanted, box.kernel, box.ownership, box.refusals, box.time, seen);
  REQUIRE(report.has_value());
  CHECK(report->planned.in_sync());
  CHECK(seen.settled.has_value());
}

TEST_CASE("a pass plans anew while something is refused, and what is wanted anew") {
  Box box;
  Sighting seen;
  const auto pass = [&](const DesiredState& wanted) {
    return reconcile_once(wanted, box.kernel, box.ownership, box.refusals, box.time, seen);
  };
  const std::string refused = "ipvs_server tcp 192.0.2.1:80 -> 192.0.2.11:80";
  box.kernel.refuse[refused] = EINVAL;
  REQUIRE(pass(with_service(Role::kMaster)).has_value());
  REQUIRE(pass(with_service(Role::kMaster)).has_value());
  CHECK_FALSE(seen.settled.has_value());
  box.kernel.refuse.clear();
  box.time += 1min;
  REQUIRE(pass(with_service(Role::kMaster)).has_value());
  REQUIRE(pass(with_service(Role::kMaster)).has_value());
  CHECK(seen.settled.has_value());
}
