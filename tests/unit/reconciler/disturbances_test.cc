#include "reconciler/disturbances.h"

#include <doctest/doctest.h>

#include "tests/support/history_entries.h"

using namespace twobox;
using namespace std::chrono_literals;
using twobox::testing::history_entry;
using twobox::testing::refused_entry;

namespace {

Moment after(std::chrono::seconds seconds) {
  return {SteadyTime{} + seconds, WallTime{1'767'323'045s} + seconds};
}

/// `entry` in so many passes, `apart` from each other; the last one at `apart * times`.
Disturbances disturbed(const HistoryEntry& entry, std::size_t times, std::chrono::seconds apart) {
  Disturbances disturbances;
  for (std::size_t i = 1; i <= times; ++i)
    disturbances.note({entry}, after(apart * static_cast<int>(i)));
  return disturbances;
}

}  // namespace

TEST_CASE("what is undone again and again is told, with how often and since when") {
  const auto finding = disturbed(history_entry("net.ipv4.ip_forward"), Disturbances::kTooOften, 1s)
                           .finding(after(11s));
  REQUIRE(finding);
  CHECK_FALSE(finding->holds);
  CHECK(finding->reason == "Flapping");
  CHECK(finding->message ==
        "something else keeps changing what is held here: sysctl net.ipv4.ip_forward was put back "
        "10 times since 2026-01-02T03:04:06.000Z");
}

TEST_CASE("what is no disturbance") {
  HistoryEntry by_document = history_entry("x");
  by_document.cause = Cause::kDocument;
  struct Row {
    const char* what;
    HistoryEntry entry;
    std::size_t times;
    std::chrono::seconds apart;
  };
  const Row rows[] = {
      {"a few times", history_entry("x"), Disturbances::kTooOften - 1, 1s},
      {"seldom", history_entry("x"), 100, Disturbances::kSoon + 1s},
      {"by documents", by_document, 100, 1s},
      {"refusals have a status of their own", refused_entry("x"), 100, 1s},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    const auto end = after(row.apart * static_cast<int>(row.times));
    CHECK_FALSE(disturbed(row.entry, row.times, row.apart).finding(end));
  }
}

TEST_CASE("many objects, each once, are one disturbance of nothing in particular") {
  Disturbances disturbances;
  for (int i = 0; i < 100; ++i) disturbances.note({history_entry(std::to_string(i))}, after(1s));
  CHECK_FALSE(disturbances.finding(after(1s)));
}

TEST_CASE("a disturbance is over when nothing came for a while") {
  Disturbances disturbances = disturbed(history_entry("x"), 100, 1s);
  CHECK(disturbances.finding(after(100s)));
  CHECK_FALSE(disturbances.finding(after(100s + Disturbances::kSoon + 1s)));
  disturbances.note({history_entry("x")}, after(100s + Disturbances::kSoon + 1s));
  CHECK_FALSE(disturbances.finding(after(100s + Disturbances::kSoon + 1s)));
}
