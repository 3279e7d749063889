#include <doctest/doctest.h>

#include "tests/support/lines.h"
#include "tests/unit/reconciler/status_recorder_support.h"

using namespace twobox;
using namespace twobox::testing;
using namespace std::chrono_literals;

TEST_CASE("foreign objects are those of the newest look") {
  StatusRecorder recorder = with_document();
  PassReport report;
  report.planned.foreign = {{SyncDaemonKey{SyncState::kMaster}, "not ours"}};
  recorder.pass_made(report, Refusals{}, at(1), at(2));
  CHECK(recorder.report().foreign == report.planned.foreign);
  recorder.pass_made(PassReport{}, Refusals{}, at(3), at(4));
  CHECK(recorder.report().foreign.empty());
}

TEST_CASE("a firewall that drops VRRP is said, with the rule to add, and leaves us ready") {
  StatusRecorder recorder = with_document();
  PassReport report;
  recorder.pass_made(report, Refusals{}, at(1), at(2));
  CHECK_FALSE(recorder.report().conditions.contains("VrrpPasses"));

  report.vrrp = VrrpVerdict{true, {{"inet filter input", "nft one"}, {"ip filter IN", "nft two"}}};
  recorder.pass_made(report, Refusals{}, at(3), at(4));
  CHECK_FALSE(condition(recorder, "VrrpPasses").holds);
  CHECK(condition(recorder, "VrrpPasses").reason == "Blocked");
  CHECK(condition(recorder, "VrrpPasses").message ==
        to_string(report.vrrp->blocks[0]) + "; " + to_string(report.vrrp->blocks[1]));
  CHECK(is_ready(recorder.report()));

  report.vrrp = VrrpVerdict{};
  recorder.pass_made(report, Refusals{}, at(5), at(6));
  CHECK(condition(recorder, "VrrpPasses").reason == "Unreadable");
  CHECK(condition(recorder, "VrrpPasses").since == at(4).wall);

  report.vrrp = VrrpVerdict{true, {}};
  recorder.pass_made(report, Refusals{}, at(7), at(8));
  CHECK(condition(recorder, "VrrpPasses").holds);

  report.vrrp.reset();
  recorder.pass_made(report, Refusals{}, at(9), at(10));
  CHECK_FALSE(recorder.report().conditions.contains("VrrpPasses"));
}

TEST_CASE("a loop is news when it comes and when it is gone") {
  StatusRecorder recorder = with_document();
  CHECK_FALSE(recorder.report().conditions.contains("LoopFree"));
  CHECK_FALSE(recorder.loops_judged(std::nullopt, at(2)));
  CHECK(condition(recorder, "LoopFree").holds);
  CHECK(recorder.loops_judged("round and round", at(3)));
  CHECK_FALSE(recorder.loops_judged("and round", at(4)));
  CHECK_FALSE(condition(recorder, "LoopFree").holds);
  CHECK(condition(recorder, "LoopFree").message == "and round");
  CHECK(condition(recorder, "LoopFree").since == at(3).wall);
  CHECK(recorder.loops_judged(std::nullopt, at(64)));
  CHECK(condition(recorder, "LoopFree").holds);
}

TEST_CASE("that nobody looks out for loops is said") {
  StatusRecorder recorder = with_document();
  recorder.loops_not_watched({ErrorKind::kUnavailable, EPERM, "no CAP_NET_RAW"}, at(2));
  CHECK_FALSE(condition(recorder, "LoopWatched").holds);
  CHECK(condition(recorder, "LoopWatched").message == "nobody looks out for loops: no CAP_NET_RAW");
  CHECK_FALSE(recorder.report().conditions.contains("LoopFree"));
}

TEST_CASE("conditions of servers come and go with the checks, and never make the node not ready") {
  StatusRecorder recorder = with_document();
  recorder.pass_made(PassReport{}, {}, at(2), at(2));
  const IpvsServiceKey service = Endpoint{*IpAddress::parse("172.16.0.30"), Protocol::kTcp, 80};
  DesiredState desired;
  desired.kernel.ipvs_services[service] = {};
  desired.vip_names.emplace(*IpAddress::parse("172.16.0.30"), "web");
  desired.quorums[service] = {0, 1, {}};
  recorder.acts_on({{"web", Role::kMaster}}, desired, at(3));
  ServerHealth down;
  down.health = Health::kDown;
  const HealthMap health = {{{service, *IpAddress::parse("172.16.0.31"), 80}, down}};
  recorder.servers_are({desired, health, {}, {}}, at(3));
  CHECK_FALSE(condition(recorder, "ServersHealthy").holds);
  CHECK(condition(recorder, "QuorumReached").reason == "NoServer");
  CHECK(is_ready(recorder.report()));
  recorder.servers_are({DesiredState{}, {}, {}, {}}, at(4));
  CHECK_FALSE(recorder.report().conditions.contains("ServersHealthy"));
  CHECK_FALSE(recorder.report().conditions.contains("QuorumReached"));
}
