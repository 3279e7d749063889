// The form of the reports, to the letter: other programs read them.
#include "reconciler/report.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/lines.h"

using namespace twobox;
using Json = nlohmann::ordered_json;

namespace {

const IpAddress kVip = *IpAddress::parse("172.16.0.30");
const InterfaceName kWire = *InterfaceName::parse("enp0s3");
const Endpoint kWeb{kVip, Protocol::kTcp, 80};

Step step(Change change) {
  return {Phase::kServices, std::move(change), "the reason"};
}

/// One change of each action.
DiffReport three_changes() {
  IpvsServiceConfig service;
  service.scheduler = "rr";
  RealServerConfig heavier;
  heavier.weight = 5;
  const RealServerKey server{kWeb, *IpAddress::parse("172.16.0.31"), 80};
  DiffReport report{"a", {}, {}};
  report.plan.steps = {step(IpvsServiceChange{kWeb, {}, service}),
                       step(RealServerChange{server, RealServerConfig{}, heavier}),
                       step(AddressChange{{kWire, IpPrefix::host(kVip)}, AddressConfig{}, {}})};
  return report;
}

/// What became of three_changes() when the second was refused.
PassReport second_refused() {
  PassReport pass;
  pass.planned = three_changes().plan;
  pass.applied.outcomes.resize(pass.planned.steps.size());
  pass.applied.outcomes[1].error = Error{ErrorKind::kKernelRefused, ENOENT, "no such server"};
  pass.remaining.steps = {pass.planned.steps[1]};
  return pass;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::string line;
  for (std::istringstream stream(text); std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::vector<std::string> keys_of(const Json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  return keys;
}

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("diff as JSON: nothing to change") {
  CHECK(diff_json({"a", {}, {}}) ==
        R"({"format":1,"node":"a","in_sync":true,"changes":[],"foreign":[]})");
}

TEST_CASE("diff as JSON: every change has every key") {
  const Json report = Json::parse(diff_json(three_changes()));
  CHECK(keys_of(report) == Words{"format", "node", "in_sync", "changes", "foreign"});
  CHECK(report["in_sync"] == false);
  REQUIRE(report["changes"].size() == 3);
  for (const Json& change : report["changes"])
    CHECK(keys_of(change) ==
          Words{"action", "kind", "key", "before", "after", "reason", "command"});
}

TEST_CASE("diff as JSON: before is null in a create, after in a delete") {
  const Json changes = Json::parse(diff_json(three_changes()))["changes"];
  CHECK(changes[0]["action"] == "create");
  CHECK(changes[0]["before"].is_null());
  CHECK(changes[0]["after"]["scheduler"] == "rr");
  CHECK(changes[1]["action"] == "update");
  CHECK(changes[1]["before"]["weight"] == 1);
  CHECK(changes[1]["after"]["weight"] == 5);
  CHECK(changes[2]["action"] == "delete");
  CHECK(changes[2]["before"]["permanent"] == true);
  CHECK(changes[2]["after"].is_null());
}

TEST_CASE("diff as JSON: what is not there is null, what is there an object") {
  DiffReport report{"a", {}, {}};
  report.plan.steps = {step(NftElementChange{{"redirect-ipv4", kWeb}, {}, NftElementConfig{}})};
  const Json change = Json::parse(diff_json(report))["changes"][0];
  CHECK(change["before"].is_null());
  CHECK(change["after"] == Json{{"has_extras", false}});
}

TEST_CASE("diff as JSON: one change in full") {
  const Json change = Json::parse(diff_json(three_changes()))["changes"][1];
  CHECK(change["kind"] == "ipvs_server");
  CHECK(change["key"] == "tcp 172.16.0.30:80 -> 172.16.0.31:80");
  CHECK(change["reason"] == "the reason");
  CHECK(change["command"] == "ipvsadm -e -t 172.16.0.30:80 -r 172.16.0.31:80 -g -w 5");
}

TEST_CASE("diff as JSON: the words for the kinds") {
  const IpAddress group = *IpAddress::parse("224.0.0.81");
  const std::pair<Change, const char*> rows[] = {
      {AddressChange{{kWire, IpPrefix::host(kVip)}, {}, AddressConfig{}}, "address"},
      {IpvsServiceChange{kWeb, {}, IpvsServiceConfig{}}, "ipvs_service"},
      {RealServerChange{{kWeb, kVip, 80}, {}, RealServerConfig{}}, "ipvs_server"},
      {SyncDaemonChange{{}, {}, SyncDaemonConfig{kWire, 0, 0, group, 8848, 1}}, "ipvs_daemon"},
      {IpvsTimeoutsChange{{}, {}, IpvsTimeoutsConfig{}}, "ipvs_timeouts"},
      {NftTableChange{{}, {}, NftTableConfig{}}, "nft_table"},
      {NftChainChange{{"bypass"}, {}, NftChainConfig{}}, "nft_chain"},
      {NftRuleChange{{"bypass", "x"}, {}, NftRuleConfig{}}, "nft_rule"},
      {NftSetChange{{"peers"}, {}, NftSetConfig{}}, "nft_set"},
      {NftElementChange{{"redirect-ipv4", kWeb}, {}, NftElementConfig{}}, "nft_element"},
      {SysctlChange{{"net.ipv4.ip_forward"}, {}, SysctlConfig{"1"}}, "sysctl"},
  };
  CHECK(std::size(rows) == std::variant_size_v<Change>);
  for (const auto& [change, kind] : rows) {
    DiffReport report{"a", {}, {}};
    report.plan.steps = {step(change)};
    CHECK(Json::parse(diff_json(report))["changes"][0]["kind"] == kind);
  }
}

TEST_CASE("diff as JSON: what is foreign, each kind") {
  DiffReport report{"a", {}, {}};
  report.plan.foreign = {{AddressKey{kWire, IpPrefix::host(kVip)}, "one"},
                         {IpvsServiceKey{FirewallMark{AddressFamily::kIpv4, 3}}, "two"},
                         {SyncDaemonKey{SyncState::kBackup}, "three"}};
  const Json read = Json::parse(diff_json(report));
  CHECK(read["in_sync"] == true);  // what is foreign is no difference
  CHECK(read["foreign"] == Json::parse(R"([
    {"kind": "address", "key": "enp0s3 172.16.0.30/32", "reason": "one"},
    {"kind": "ipvs_service", "key": "fwmark 3 ipv4", "reason": "two"},
    {"kind": "ipvs_daemon", "key": "backup", "reason": "three"}])"));
}

TEST_CASE("diff as JSON: bytes that are not UTF-8 don't spoil the report") {
  DiffReport report{"a", {}, {}};
  report.plan.steps = {step(NftRuleChange{{"bypass", "x"}, NftRuleConfig{{}, "bad \xff"}, {}})};
  const Json read = Json::parse(diff_json(report));
  CHECK(read["changes"][0]["before"]["comment"] == "bad \xef\xbf\xbd");
}

TEST_CASE("diff as text: a line with what and why, one with the command, and the count last") {
  const Words want = {
      "+ ipvs_service tcp 172.16.0.30:80 (scheduler=rr): the reason",
      "    ipvsadm -A -t 172.16.0.30:80 -s rr",
      "~ ipvs_server tcp 172.16.0.30:80 -> 172.16.0.31:80 (weight 1 -> 5): the reason",
      "    ipvsadm -e -t 172.16.0.30:80 -r 172.16.0.31:80 -g -w 5",
      "- address enp0s3 172.16.0.30/32: the reason",
      "    ip addr del 172.16.0.30/32 dev enp0s3",
      "1 to create, 1 to update, 1 to delete",
  };
  CHECK(lines_of(diff_text(three_changes(), Colour::kNone)) == want);
}

TEST_CASE("diff as text: the last line counts, also when there is nothing") {
  DiffReport report{"a", {}, {}};
  CHECK(diff_text(report, Colour::kNone) == "0 to create, 0 to update, 0 to delete\n");
  report.plan.foreign = {{SyncDaemonKey{SyncState::kMaster}, "not ours"}};
  CHECK(diff_text(report, Colour::kAnsi) ==
        "foreign, left alone: ipvs_daemon master: not ours\n"
        "0 to create, 0 to update, 0 to delete\n");
}

TEST_CASE("diff as text: colour is around the object only, and only when asked for") {
  CHECK(diff_text(three_changes(), Colour::kNone).find('\x1b') == std::string::npos);
  const Words lines = lines_of(diff_text(three_changes(), Colour::kAnsi));
  CHECK(lines[0].starts_with("\x1b[32m+ ipvs_service tcp 172.16.0.30:80\x1b[0m ("));
  CHECK(lines[2].starts_with("\x1b[33m~ "));
  CHECK(lines[4].starts_with("\x1b[31m- "));
  CHECK(lines[6] == "1 to create, 1 to update, 1 to delete");
}

TEST_CASE("a pass as JSON: an error for each change, null when carried out") {
  const Json report = Json::parse(pass_json("a", second_refused()));
  CHECK(report["converged"] == false);
  CHECK(report["changes"][0]["error"].is_null());
  CHECK(report["changes"][1]["error"] ==
        Json::parse(R"({"errno": 2, "message": "no such server"})"));
  CHECK(report["changes"][2]["error"].is_null());
  PassReport idle;
  CHECK(pass_json("a", idle) ==
        R"({"format":1,"node":"a","in_sync":true,"changes":[],"foreign":[],"converged":true})");
}

TEST_CASE("a pass as text: what was refused, and what became of the pass") {
  const Words lines = lines_of(pass_text(second_refused(), Colour::kNone));
  REQUIRE(lines.size() == 8);
  CHECK(lines[4] == "    refused: no such server");
  CHECK(lines[7] == "1 created, 0 updated, 1 deleted, 1 refused: not converged");
  CHECK(pass_text(PassReport{}, Colour::kNone) ==
        "0 created, 0 updated, 0 deleted, 0 refused: converged\n");
}
