#include "reconciler/status_recorder.h"

#include <doctest/doctest.h>

#include <cerrno>

#include "tests/support/lines.h"
#include "tests/unit/reconciler/status_recorder_support.h"

using namespace twobox;
using namespace twobox::testing;
using namespace std::chrono_literals;

namespace {

const Step kStep{Phase::kHoldSysctls,
                 SysctlChange{{"net.ipv4.ip_forward"}, SysctlConfig{"0"}, SysctlConfig{"1"}},
                 "held by the document"};
const std::string kObject = "sysctl net.ipv4.ip_forward";

/// A pass that made kStep's change; `left`: and found it undone right after.
PassReport pass(std::vector<Step> left = {}) {
  PassReport report;
  report.planned.steps = {kStep};
  report.applied.outcomes = {{{}, true}};
  if (!left.empty())
    report.applied.outcomes[0].error = Error{ErrorKind::kKernelRefused, EPERM, "no"};
  report.remaining.steps = std::move(left);
  return report;
}

}  // namespace

TEST_CASE("a new daemon is not ready, and says why") {
  const StatusRecorder recorder("doc.json", "file", at(0));
  CHECK_FALSE(is_ready(recorder.report()));
  CHECK(condition(recorder, "Ready").reason == "NoDocument");
  CHECK(condition(recorder, "DocumentValid").reason == "NotRead");
  CHECK(condition(recorder, "KernelReadable").reason == "NotRead");
  CHECK(condition(recorder, "Converged").reason == "NoPass");
  CHECK(recorder.report().document_path == "doc.json");
}

TEST_CASE("an accepted document is a generation; held after a pass that leaves nothing") {
  StatusRecorder recorder = with_document();
  CHECK(recorder.report().generation == 1);
  CHECK(recorder.report().observed_generation == 0);
  CHECK_FALSE(is_ready(recorder.report()));
  recorder.pass_made(pass(), Refusals{}, at(2), at(3));
  CHECK(recorder.report().observed_generation == 1);
  CHECK(is_ready(recorder.report()));
  CHECK(condition(recorder, "Converged").reason == "InSync");
  CHECK(condition(recorder, "KernelReadable").holds);
}

TEST_CASE("the same document again is no new generation") {
  StatusRecorder recorder = with_document();
  recorder.document_refused("Invalid", "bad", at(2));
  recorder.document_still_valid(at(3));
  CHECK(recorder.report().generation == 1);
  CHECK(condition(recorder, "DocumentValid").holds);
  CHECK(condition(recorder, "DocumentValid").message == "generation 1 is in force");
}

TEST_CASE("a refused document leaves the last good one in force, and ready") {
  StatusRecorder recorder = with_document();
  recorder.pass_made(pass(), Refusals{}, at(2), at(3));
  recorder.document_refused("Invalid", "(document): found nothing", at(4));
  CHECK_FALSE(condition(recorder, "DocumentValid").holds);
  CHECK(condition(recorder, "DocumentValid").message == "(document): found nothing");
  CHECK(recorder.report().generation == 1);
  CHECK(is_ready(recorder.report()));
}

TEST_CASE("falling back: in force, though the file is not valid") {
  StatusRecorder recorder("doc.json", "file", at(0));
  recorder.document_refused("Unreadable", "open doc.json", at(1));
  recorder.fell_back(at(1));
  recorder.pass_made(pass(), Refusals{}, at(2), at(3));
  CHECK(recorder.report().generation == 1);
  CHECK_FALSE(condition(recorder, "DocumentValid").holds);
  CHECK(is_ready(recorder.report()));
}

TEST_CASE("a condition keeps its time while it stays as it is") {
  StatusRecorder recorder = with_document();
  recorder.pass_made(pass(), Refusals{}, at(2), at(3));
  recorder.pass_made(pass(), Refusals{}, at(8), at(9));
  CHECK(condition(recorder, "Ready").since == at(3).wall);
  recorder.pass_failed({ErrorKind::kTornDump, 0, "observe: torn"}, at(10), at(11));
  recorder.pass_failed({ErrorKind::kTornDump, 0, "observe: torn again"}, at(12), at(13));
  CHECK(condition(recorder, "Ready").since == at(11).wall);
  CHECK(condition(recorder, "KernelReadable").message == "observe: torn again");
}

TEST_CASE("a pass that could not be made") {
  StatusRecorder recorder = with_document();
  recorder.pass_made(pass(), Refusals{}, at(2), at(3));
  recorder.pass_failed({ErrorKind::kTransport, ENOBUFS, "observe: no buffers"}, at(4), at(6));
  CHECK_FALSE(is_ready(recorder.report()));
  CHECK(condition(recorder, "Ready").reason == "NotConverged");
  CHECK_FALSE(condition(recorder, "KernelReadable").holds);
  REQUIRE(recorder.report().last_pass.has_value());
  CHECK(recorder.report().last_pass->error == "observe: no buffers");
  CHECK(recorder.report().last_pass->duration == 2s);
  CHECK(recorder.report().last_pass->changes == 0);
}

TEST_CASE("a pass whose record could not be written says nothing against the kernel") {
  StatusRecorder recorder = with_document();
  recorder.pass_made(pass(), Refusals{}, at(2), at(3));
  recorder.pass_failed({ErrorKind::kNotRecorded, ENOSPC, "no space left"}, at(4), at(6));
  CHECK_FALSE(is_ready(recorder.report()));
  CHECK(condition(recorder, "KernelReadable").holds);
  CHECK_FALSE(condition(recorder, "StateWritable").holds);
  CHECK(condition(recorder, "StateWritable").message == "no space left");
  recorder.pass_made(pass(), Refusals{}, at(7), at(8));
  CHECK(is_ready(recorder.report()));
  CHECK_FALSE(recorder.report().conditions.contains("StateWritable"));
}

TEST_CASE("what is left and refused is named, with its times on the wall") {
  StatusRecorder recorder = with_document();
  const PassReport report = pass({kStep});
  Refusals refusals;
  refusals.note(report.planned, report.applied, report.remaining, at(3).steady);
  recorder.pass_made(report, refusals, at(2), at(3));
  CHECK_FALSE(is_ready(recorder.report()));
  CHECK(condition(recorder, "Converged").reason == "Refused");
  CHECK(condition(recorder, "Converged").message == "1 difference left, 1 object refused");
  CHECK(recorder.report().missing == std::vector<std::string>{kObject});
  REQUIRE(recorder.report().refused.size() == 1);
  const RefusalStatus& refused = recorder.report().refused[0];
  CHECK(refused.object == kObject);
  CHECK(refused.error.errno_value == EPERM);
  CHECK(refused.since == at(3).wall);
  CHECK(refused.next_attempt == at(3).wall + 100ms);
  recorder.pass_made(pass(), Refusals{}, at(4), at(5));
  CHECK(recorder.report().missing.empty());
  CHECK(recorder.report().refused.empty());
}

TEST_CASE("differences without a refusal are differences") {
  StatusRecorder recorder = with_document();
  recorder.pass_made(pass({kStep, kStep}), Refusals{}, at(2), at(3));
  CHECK(condition(recorder, "Converged").reason == "Differs");
  CHECK(condition(recorder, "Converged").message == "2 differences left, 0 objects refused");
}

TEST_CASE("a new master that waits for its peers has not converged") {
  StatusRecorder recorder = with_document();
  recorder.awaits_peers(true);
  recorder.pass_made(pass(), Refusals{}, at(2), at(3));
  CHECK(condition(recorder, "Converged").reason == "AwaitsPeers");
  CHECK_FALSE(is_ready(recorder.report()));
  recorder.awaits_peers(false);
  recorder.pass_made(pass(), Refusals{}, at(4), at(5));
  CHECK(is_ready(recorder.report()));
}

TEST_CASE("changes are remembered with what they are due to") {
  StatusRecorder recorder = with_document();
  CHECK(recorder.pass_made(pass({kStep}), Refusals{}, at(2), at(3)).size() == 1);
  recorder.pass_made(pass(), Refusals{}, at(4), at(5));
  recorder.pass_made(pass(), Refusals{}, at(6), at(7));
  recorder.document_accepted(at(8));
  recorder.acts_on({{"web", Role::kBackup}}, {}, at(8));
  recorder.pass_made(pass(), Refusals{}, at(8), at(9));
  recorder.acts_on({{"web", Role::kMaster}}, {}, at(10));
  recorder.pass_made(pass(), Refusals{}, at(10), at(11));
  const auto& history = recorder.report().history->entries();
  REQUIRE(history.size() == 5);
  CHECK(history[0].error.has_value());
  CHECK(history[0].cause == Cause::kDocument);
  CHECK(history[1].cause == Cause::kDocument);
  CHECK(history[1].duration == 4s);  // since the document was accepted
  CHECK(history[2].cause == Cause::kDrift);
  CHECK(history[2].duration == 1s);  // since the pass began
  CHECK(history[3].cause == Cause::kDocument);
  CHECK(history[4].cause == Cause::kRole);
  CHECK(recorder.report().totals.changes.at({"sysctl", "update", Cause::kDocument}) == 2);
  CHECK(recorder.report().totals.changes.at({"sysctl", "update", Cause::kRole}) == 1);
}

TEST_CASE("of refusals in a row the history has the first; the log is told of all") {
  StatusRecorder recorder = with_document();
  const PassReport refused = pass({kStep});
  Refusals refusals;
  for (int i = 2; i < 6; ++i) {
    refusals.note(refused.planned, refused.applied, refused.remaining, at(i).steady);
    CHECK(recorder.pass_made(refused, refusals, at(i), at(i)).size() == 1);
  }
  REQUIRE(recorder.report().history->entries().size() == 1);
  CHECK(recorder.report().history->entries()[0].error->errno_value == EPERM);
  CHECK(recorder.report().totals.changes.empty());
}

TEST_CASE("an earlier report keeps its history") {
  StatusRecorder recorder = with_document();
  recorder.pass_made(pass(), Refusals{}, at(2), at(3));
  const StatusReport earlier = recorder.report();
  recorder.pass_made(pass(), Refusals{}, at(4), at(5));
  CHECK(earlier.history->entries().size() == 1);
  CHECK(recorder.report().history->entries().size() == 2);
}

TEST_CASE("passes are counted by result and duration") {
  StatusRecorder recorder = with_document();
  CHECK_FALSE(recorder.report().last_sync.has_value());
  recorder.pass_made(pass({kStep}), Refusals{}, at(2), at(3));
  recorder.pass_made(pass(), Refusals{}, at(4), at(4));
  recorder.pass_made(PassReport{}, Refusals{}, at(5), at(5));
  recorder.pass_failed({ErrorKind::kTransport, ENOBUFS, "no"}, at(6), at(8));
  const Totals& totals = recorder.report().totals;
  CHECK(totals.passes_error == 2);
  CHECK(totals.passes_success == 1);
  CHECK(totals.passes_noop == 1);
  CHECK(totals.passes_by_duration.front() == 2);
  CHECK(totals.passes_by_duration.at(9) == 1);  // a bound belongs to its own class
  CHECK(totals.passes_by_duration.back() == 1);
  CHECK(totals.passes_duration == 3s);
  CHECK(recorder.report().last_sync == at(5).wall);
}

TEST_CASE("a role keeps its time while it stays the same") {
  StatusRecorder recorder = with_document();
  recorder.identified(
      "a", {{"web", {Role::kMaster, "document"}}, {"mail", {Role::kBackup, "document"}}}, at(1));
  recorder.identified(
      "a", {{"web", {Role::kMaster, "document"}}, {"mail", {Role::kMaster, "document"}}}, at(5));
  CHECK(recorder.report().node == "a");
  const auto& vips = recorder.report().vips;
  CHECK(vips.at("web").since == at(1).wall);
  CHECK(vips.at("mail").since == at(5).wall);
  CHECK(vips.at("mail").role == Role::kMaster);
  recorder.identified("a", {{"web", {Role::kMaster, "document"}}}, at(6));
  CHECK(recorder.report().vips.size() == 1);
}

TEST_CASE("a machine that is no node is told once") {
  StatusRecorder recorder = with_document();
  recorder.identified("a", {{"web", {Role::kMaster, "document"}}}, at(1));
  const Error error{ErrorKind::kInvalidDocument, 0, "no node of the document"};
  CHECK(recorder.not_identified(error, at(2)));
  CHECK_FALSE(recorder.not_identified(error, at(3)));
  CHECK(recorder.report().vips.empty());
  CHECK(condition(recorder, "Ready").message == "no node of the document");
  CHECK(condition(recorder, "Converged").reason == "NodeUnknown");
}

TEST_CASE("a change that follows from a new verdict is due to health") {
  StatusRecorder recorder = with_document();
  const RealServerKey server{Endpoint{*IpAddress::parse("172.16.0.30"), Protocol::kTcp, 80},
                             *IpAddress::parse("172.16.0.31"), 80};
  const auto hears = [&](Health health, int second) {
    ServerHealth of;
    of.health = health;
    recorder.hears_of({{server, of}}, at(second));
    return recorder.pass_made(pass(), {}, at(second), at(second)).front().cause;
  };
  CHECK(hears(Health::kUnknown, 2) == Cause::kDocument);
  CHECK(hears(Health::kUnknown, 3) == Cause::kDrift);
  CHECK(hears(Health::kUp, 4) == Cause::kHealth);
  CHECK(hears(Health::kUp, 5) == Cause::kDrift);
  CHECK(hears(Health::kDown, 6) == Cause::kHealth);
}
