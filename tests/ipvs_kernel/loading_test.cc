// ip_vs comes and goes under a backend that stays open.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include "tests/ipvs_kernel/support.h"

using namespace twobox;
using namespace twobox::ipvs_kernel;

namespace {

bool ip_vs_is_loaded() {
  return std::filesystem::exists("/sys/module/ip_vs");
}

// Before main(), which loads it. A module that somebody else has loaded is not ours to unload.
const bool kLoadedBySomebodyElse = ip_vs_is_loaded();

void unload() {
  run("for module in $(lsmod | awk '/^ip_vs_/ { print $1 }') ip_vs; do modprobe -r $module; done");
  REQUIRE_FALSE(ip_vs_is_loaded());
}

}  // namespace

TEST_CASE("ipvs: looking loads nothing, deleting loads nothing, creating loads what it needs") {
  if (kLoadedBySomebodyElse) {
    MESSAGE("left out: ip_vs was loaded before this program");
    return;
  }
  empty_ipvs();
  auto backend = IpvsBackend::open();
  REQUIRE(backend.has_value());
  const IpvsServiceKey key = tcp("172.16.0.30");

  for (int turn = 0; turn < 2; ++turn) {
    CAPTURE(turn);
    unload();
    KernelState state;
    state.ipvs_services[key] = scheduled_by("rr");
    bool loaded = true;
    REQUIRE(backend->observe(state, loaded).has_value());
    CHECK_FALSE(loaded);
    CHECK(state == KernelState{});

    const Change removal = IpvsServiceChange{key, scheduled_by("rr"), std::nullopt};
    CHECK(backend->apply(std::span(&removal, 1)).front().has_value());
    CHECK_FALSE(ip_vs_is_loaded());

    const Change creation = IpvsServiceChange{key, std::nullopt, scheduled_by("sed")};
    CHECK(backend->apply(std::span(&creation, 1)).front().has_value());
    REQUIRE(backend->observe(state, loaded).has_value());
    CHECK(loaded);
    CHECK(state.ipvs_services.at(key) == scheduled_by("sed"));
    CHECK(state.ipvs_timeouts.size() == 1);
    empty_ipvs();
  }
}
