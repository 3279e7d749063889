#include "reconciler/history.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "reconciler/history_json.h"
#include "tests/support/history_entries.h"

using namespace twobox;
using namespace std::chrono_literals;
using twobox::testing::history_entry;
using twobox::testing::refused_entry;
using Json = nlohmann::ordered_json;

namespace {

Moment at(int seconds) {
  return {SteadyTime{} + std::chrono::seconds(seconds), WallTime{std::chrono::seconds(seconds)}};
}

Step step(const std::string& sysctl) {
  return {Phase::kHoldSysctls, SysctlChange{{sysctl}, std::nullopt, SysctlConfig{"1"}}, "held"};
}

/// A pass that made the changes of `done` and left those of `left`.
PassReport pass(const std::vector<std::string>& done, const std::vector<std::string>& left = {}) {
  PassReport report;
  for (const std::string& name : done) {
    report.planned.steps.push_back(step(name));
    report.applied.outcomes.push_back({{}, true});
  }
  for (const std::string& name : left) {
    report.planned.steps.push_back(step(name));
    report.applied.outcomes.push_back({Error{}, false});
    report.remaining.steps.push_back(step(name));
  }
  return report;
}

}  // namespace

TEST_CASE("time: what is written is read; other forms and impossible days are not") {
  for (const auto time : {0ms, 1'767'323'045'678ms, 1'767'323'045'000ms})
    CHECK(parse_time(time_text(WallTime{time})) == WallTime{time});
  for (const char* text :
       {"", "2026-01-02", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.6Z",
        "2026-02-31T03:04:05.678Z", "2026-01-02T03:04:05.678", "2026-01-02T03:04:05.678Zx",
        "9999-12-31T23:59:59.999Z", "0001-01-01T00:00:00.000Z"})
    CHECK_FALSE(parse_time(text).has_value());
}

TEST_CASE("history: entries are numbered, the oldest leave by number and by bytes") {
  History history({.entries = 3, .bytes = 1000});
  for (int i = 1; i <= 5; ++i) history.add(history_entry(std::to_string(i)));
  REQUIRE(history.entries().size() == 3);
  CHECK(history.entries().front().sequence == 3);
  CHECK(history.entries().front().key == "3");
  CHECK(history.last_sequence() == 5);
  history.add(history_entry(std::string(950, 'x')));
  CHECK(history.entries().size() == 1);
  history.add(history_entry(std::string(5000, 'y')));
  REQUIRE(history.entries().size() == 1);  // the newest stays, however large
  CHECK(history.entries().front().sequence == 7);
}

TEST_CASE("history: those after a number") {
  History history;
  for (const char* key : {"a", "b", "c"}) history.add(history_entry(key));
  CHECK(history.after(3).empty());
  REQUIRE(history.after(1).size() == 2);
  CHECK(history.after(1).front().key == "b");
  CHECK(history.after(0).size() == 3);
}

TEST_CASE("history: an entry comes back only with a number of its own") {
  History history;
  HistoryEntry entry = history_entry("a");
  entry.sequence = 7;
  CHECK(history.restore(entry));
  CHECK_FALSE(history.restore(entry));
  history.add(history_entry("b"));
  CHECK(history.entries().back().sequence == 8);
}

TEST_CASE("causes: a document before a role before health, and drift without any") {
  Causes causes;
  causes.notice(Cause::kHealth, at(1));
  causes.notice(Cause::kDocument, at(2));
  causes.notice(Cause::kRole, at(3));
  const auto first = causes.explain(pass({"x"}), at(4), at(5));
  REQUIRE(first.size() == 1);
  CHECK(first[0].cause == Cause::kDocument);
  CHECK(first[0].duration == 3s);
  CHECK(first[0].at == at(5).wall);
  CHECK(causes.explain(pass({"x"}), at(6), at(7))[0].cause == Cause::kDrift);
}

TEST_CASE("causes: what could not be made keeps its cause, what comes up anew has its own") {
  Causes causes;
  causes.notice(Cause::kDocument, at(1));
  CHECK(causes.explain(pass({"x"}, {"y"}), at(1), at(2)).size() == 1);  // y was held back
  causes.notice(Cause::kRole, at(3));
  const auto second = causes.explain(pass({"y", "z"}), at(4), at(5));
  REQUIRE(second.size() == 2);
  CHECK(second[0].cause == Cause::kDocument);
  CHECK(second[0].duration == 4s);
  CHECK(second[1].cause == Cause::kRole);
  CHECK(second[1].duration == 2s);
}

TEST_CASE("causes: an entry has the change in the diff's words") {
  Causes causes;
  const HistoryEntry entry = causes.explain(pass({"net.x"}), at(1), at(2)).at(0);
  CHECK(entry.action == "create");
  CHECK(object_name(entry) == "sysctl net.x");
  CHECK_FALSE(entry.before.has_value());
  CHECK(entry.after == R"({"value":"1"})");
  CHECK(entry.reason == "held");
}

TEST_CASE("causes have words") {
  for (const Cause cause : {Cause::kDocument, Cause::kRole, Cause::kHealth, Cause::kDrift})
    CHECK(cause_from_text(to_string(cause)) == cause);
  CHECK_FALSE(cause_from_text("Drift").has_value());
}

TEST_CASE("history as JSON") {
  History history;
  history.add(history_entry("net.x"));
  history.add(refused_entry("net.y"));
  const Json all = Json::parse(history_json(history.entries()));
  CHECK(all["format"] == 1);
  CHECK(all["entries"][0] == Json::parse(R"({"sequence": 1, "at": "2026-01-02T03:04:05.678Z",
    "cause": "drift", "action": "update", "kind": "sysctl", "key": "net.x",
    "object": "sysctl net.x", "before": {"value": "0"}, "after": {"value": "1"},
    "reason": "held by the document", "duration_ms": 12, "error": null})"));
  CHECK(all["entries"][1]["before"].is_null());
  CHECK(all["entries"][1]["error"] ==
        Json::parse(R"({"errno": 1, "message": "write: Operation not permitted"})"));
  const Json newest = Json::parse(history_json(history.entries(), 1));
  REQUIRE(newest["entries"].size() == 1);
  CHECK(newest["entries"][0]["sequence"] == 2);
}

TEST_CASE("history: an entry is read as it was written, and never half of it") {
  for (HistoryEntry entry : {history_entry("net.x"), refused_entry("net.y")}) {
    entry.sequence = 42;
    const std::string line = history_entry_json(entry);
    REQUIRE(parse_history_entry(line).has_value());
    CHECK(history_entry_json(*parse_history_entry(line)) == line);
    CHECK(parse_history_entry(line)->duration == entry.duration);
    for (std::size_t length = 0; length < line.size(); ++length)
      CHECK_FALSE(parse_history_entry(line.substr(0, length)).has_value());
  }
}

TEST_CASE("history: a field that is missing or of another type makes no entry") {
  const Json good = Json::parse(history_entry_json([] {
    HistoryEntry entry = refused_entry("x");
    entry.sequence = 1;
    return entry;
  }()));
  REQUIRE(parse_history_entry(good.dump()).has_value());
  for (const auto& item : good.items()) {
    const std::string& name = item.key();
    if (name == "object") continue;  // made of kind and key
    CAPTURE(name);
    Json bad = good;
    bad.erase(name);
    CHECK_FALSE(parse_history_entry(bad.dump()).has_value());
    bad[name] = Json::array();
    CHECK_FALSE(parse_history_entry(bad.dump()).has_value());
  }
  for (const char* text : {"null", "[]", "7", "{}"}) CHECK_FALSE(parse_history_entry(text));
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  CHECK_FALSE(parse_history_entry("{\"sequence\": " + deep + "}"));  // refused, not followed
  Json zero = good;
  zero["sequence"] = 0;
  CHECK_FALSE(parse_history_entry(zero.dump()).has_value());
}

TEST_CASE(
    "causes: a server that has drained goes by its drain, and one that goes unasked by drift") {
  const RealServerKey server{Endpoint{*IpAddress::parse("172.16.0.30"), Protocol::kTcp, 80},
                             *IpAddress::parse("172.16.0.31"), 80};
  const Step gone{Phase::kServersGone, RealServerChange{server, RealServerConfig{}, std::nullopt},
                  "it drains"};
  PassReport goes;
  goes.planned.steps = {gone};
  goes.applied.outcomes = {{{}, true}};
  PassReport drains;
  drains.draining = {{server, 2}};
  Causes causes;
  CHECK(causes.explain(goes, at(1), at(1)).front().cause == Cause::kDrift);
  causes.explain(drains, at(2), at(2));
  CHECK(causes.explain(goes, at(3), at(3)).front().cause == Cause::kDrain);
  causes.explain(drains, at(4), at(4));
  causes.notice(Cause::kDocument, at(5));
  CHECK(causes.explain(goes, at(5), at(5)).front().cause == Cause::kDocument);
  CHECK(cause_from_text("drain") == Cause::kDrain);
  CHECK(to_string(Cause::kDrift) == "drift");
}
