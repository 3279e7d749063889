#include "reconciler/status.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "tests/support/lines.h"

using namespace twobox;
using namespace std::chrono_literals;
using Json = nlohmann::ordered_json;

namespace {

/// 2026-01-02T03:04:05.678Z
const WallTime kTime{1'767'323'045'678ms};

StatusReport full() {
  StatusReport report;
  report.node = "a";
  report.document_path = "/etc/twobox/document.json";
  report.generation = 3;
  report.observed_generation = 2;
  report.document_source = "file";
  report.vips["web"] = {Role::kFault, "document", kTime};
  report.conditions["Ready"] = {true, "Converged", "all is well", kTime};
  report.conditions["Converged"] = {false, "Differs", "1 difference left", kTime};
  report.last_pass = LastPass{kTime, 1500us, 2, std::nullopt};
  report.refused = {{"sysctl net.x",
                     {ErrorKind::kKernelRefused, EPERM, "not permitted"},
                     4,
                     kTime,
                     kTime + 800ms}};
  report.missing = {"sysctl net.x"};
  report.foreign = {{SyncDaemonKey{SyncState::kMaster}, "the document has no sync daemon"}};
  History history;
  HistoryEntry entry{.at = kTime,
                     .cause = Cause::kDrift,
                     .action = "create",
                     .kind = "sysctl",
                     .key = "net.x",
                     .before = {},
                     .after = {},
                     .reason = "held by the document",
                     .error = {}};
  history.add(entry);
  entry.error = Error{ErrorKind::kKernelRefused, EPERM, "no"};
  history.add(entry);
  report.history = std::make_shared<const History>(history);
  return report;
}

Json read(const StatusReport& report) {
  return Json::parse(status_json(report));
}

}  // namespace

TEST_CASE("the status of a daemon that knows nothing yet has every key") {
  const Json status = read({});
  std::vector<std::string> keys;
  for (const auto& [key, value] : status.items()) keys.push_back(key);
  CHECK(keys == std::vector<std::string>{"format", "node", "document", "source", "generation",
                                         "observed_generation", "ready", "confirmation", "vips",
                                         "servers", "drains", "conditions", "last_pass", "refused",
                                         "missing", "foreign", "history"});
  CHECK(status["ready"] == false);
  CHECK(status["vips"] == Json::object());
  CHECK(status["servers"] == Json::array());
  CHECK(status["drains"] == Json::object());
  CHECK(status["conditions"] == Json::array());
  CHECK(status["last_pass"].is_null());
}

TEST_CASE("generation, node and roles with their source") {
  const Json status = read(full());
  CHECK(status["format"] == 1);
  CHECK(status["node"] == "a");
  CHECK(status["document"] == "/etc/twobox/document.json");
  CHECK(status["source"] == "file");
  CHECK(status["generation"] == 3);
  CHECK(status["observed_generation"] == 2);
  CHECK(status["vips"] == Json::parse(R"({"web": {
    "role": "fault", "source": "document", "since": "2026-01-02T03:04:05.678Z"}})"));
}

TEST_CASE("servers that are checked or drain, and drains asked for by hand") {
  StatusReport report;
  const Endpoint service{*IpAddress::parse("172.16.0.30"), Protocol::kTcp, 80};
  const RealServerKey server{service, *IpAddress::parse("172.16.0.31"), 80};
  ServerHealth health;
  health.health = Health::kDown;
  health.since.wall = kTime;
  health.cause = "connection refused";
  health.transitions = 3;
  report.servers = std::make_shared<const std::vector<ServerStatus>>(
      std::vector<ServerStatus>{{"web", server, health, DrainStatus{kTime, kTime + 60s, 4}, false},
                                {"web", server, {}, {}, true}});
  report.drains = {{"b", 90s}, {"172.16.0.31:80", 60s}};
  const Json status = read(report);
  CHECK(status["servers"] == Json::parse(R"([
    {"vip": "web", "service": "tcp 172.16.0.30:80", "server": "172.16.0.31:80",
     "health": {"verdict": "down", "since": "2026-01-02T03:04:05.678Z",
                "cause": "connection refused", "transitions": 3},
     "drain": {"since": "2026-01-02T03:04:05.678Z", "until": "2026-01-02T03:05:05.678Z",
               "connections": 4},
     "fallback": false},
    {"vip": "web", "service": "tcp 172.16.0.30:80", "server": "172.16.0.31:80", "health": null,
     "drain": null, "fallback": true}])"));
  CHECK(status["drains"] ==
        Json::parse(R"({"172.16.0.31:80": {"deadline": "60s"}, "b": {"deadline": "90s"}})"));
}

TEST_CASE("conditions, with the words True and False") {
  CHECK(read(full())["conditions"] == Json::parse(R"([
    {"type": "Converged", "status": "False", "reason": "Differs", "message": "1 difference left",
     "since": "2026-01-02T03:04:05.678Z"},
    {"type": "Ready", "status": "True", "reason": "Converged", "message": "all is well",
     "since": "2026-01-02T03:04:05.678Z"}])"));
}

TEST_CASE("the last pass, in milliseconds") {
  StatusReport report = full();
  CHECK(read(report)["last_pass"] == Json::parse(R"(
    {"at": "2026-01-02T03:04:05.678Z", "duration_ms": 1.5, "changes": 2, "error": null})"));
  report.last_pass->error = "observe: dump interrupted";
  CHECK(read(report)["last_pass"]["error"] == "observe: dump interrupted");
}

TEST_CASE("what was refused, what is missing, what is foreign, what was done") {
  const Json status = read(full());
  CHECK(status["refused"] == Json::parse(R"([
    {"object": "sysctl net.x", "errno": 1, "message": "not permitted", "failures": 4,
     "since": "2026-01-02T03:04:05.678Z", "next_attempt": "2026-01-02T03:04:06.478Z"}])"));
  CHECK(status["missing"] == Json::parse(R"(["sysctl net.x"])"));
  CHECK(status["foreign"] == Json::parse(R"([
    {"kind": "ipvs_daemon", "key": "master", "reason": "the document has no sync daemon"}])"));
  CHECK(status["history"] == Json::parse(R"([
    {"at": "2026-01-02T03:04:05.678Z", "cause": "drift", "action": "create",
     "object": "sysctl net.x", "reason": "held by the document"}])"));
}

TEST_CASE("a message that is not UTF-8 does not spoil the status") {
  StatusReport report;
  report.missing = {"\xff"};
  CHECK(read(report)["missing"][0] == "\xef\xbf\xbd");
}

TEST_CASE("ready is what the condition says, and false without it") {
  StatusReport report;
  CHECK_FALSE(is_ready(report));
  report.conditions["Ready"] = {true, "", "", kTime};
  CHECK(is_ready(report));
  report.conditions["Ready"].holds = false;
  CHECK_FALSE(is_ready(report));
}
