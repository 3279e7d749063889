#include "reconciler/packet_path.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "reconciler/bypass_table.h"
#include "reconciler/traffic_json.h"
#include "schema/validate.h"

using namespace twobox;
using Json = nlohmann::ordered_json;

namespace {

const NodeName kSelf = "a";

ValidDocument document(const std::string& text) {
  auto read = read_document(text, std::size_t{1} << 20);
  REQUIRE(std::holds_alternative<ValidDocument>(read));
  return std::get<ValidDocument>(std::move(read));
}

ValidDocument reference(const std::string& bypass) {
  std::string text = R"({"version": 1,
    "nodes": {"a": {"addresses": ["172.16.0.31"], "macs": ["08:00:27:77:84:ef"]},
              "b": {"addresses": ["172.16.0.32"], "macs": ["08:00:27:e1:3c:c5"]}},
    "vips": {"web": {"address": "172.16.0.30", "interface": "enp0s3", "role": {"master": "a"},
      "bypass": ")" + bypass +
                     R"(",
      "services": [{"protocol": "tcp", "port": 80, "scheduler": "rr")" +
                     (bypass == "mac-mark" ? R"(, "mark": 3)" : "") + R"(}]}})" +
                     (bypass == "backup-only" ? R"(, "sync": {"interface": "enp0s3"})" : "") + "}";
  return document(text);
}

/// A node that is as it should be, until a test spoils it.
struct Scene {
  ValidDocument valid;
  Role role;
  DesiredState desired;
  ObservedState observed;
  Traffic traffic;

  Scene(const std::string& bypass, Role of) : valid(reference(bypass)), role(of) {
    desired = resolve(valid, kSelf, {{"web", role}});
    observed.kernel = desired.kernel;
  }
  NodeView view() const { return {*valid, kSelf, desired, observed, traffic}; }
  std::vector<PathStep> path() const { return packet_path(view(), "web", role); }
  PathStep step(const std::string& name) const {
    const auto steps = path();
    const auto found = std::ranges::find(steps, name, &PathStep::step);
    REQUIRE(found != steps.end());
    return *found;
  }
  /// "arp active, ipvs broken".
  std::string states() const {
    std::string text;
    for (const PathStep& one : path())
      text += (text.empty() ? "" : ", ") + one.step + " " + std::string(to_string(one.state));
    return text;
  }
};

}  // namespace

TEST_CASE(
    "packet path: each scheme's steps on a master and on a backup that are as they should be") {
  CHECK(Scene("redirect", Role::kMaster).states() ==
        "arp active, redirect idle, ipvs active, deliver active");
  CHECK(Scene("redirect", Role::kBackup).states() ==
        "arp idle, redirect active, ipvs idle, deliver active");
  CHECK(Scene("mac-mark", Role::kMaster).states() ==
        "arp active, mark active, ipvs active, deliver active");
  CHECK(Scene("mac-mark", Role::kBackup).states() ==
        "arp idle, mark active, ipvs idle, deliver active");
  CHECK(Scene("backup-only", Role::kMaster).states() ==
        "arp active, backup-only idle, ipvs active, deliver active");
  CHECK(Scene("backup-only", Role::kFault).states() ==
        "arp idle, backup-only active, ipvs idle, deliver active");
  CHECK(Scene("none", Role::kMaster).states() == "arp active, ipvs active, deliver active");
}

TEST_CASE("packet path: every step has a sentence") {
  for (const char* bypass : {"redirect", "mac-mark", "backup-only", "none"})
    for (const Role role : {Role::kMaster, Role::kBackup, Role::kFault})
      for (const PathStep& step : Scene(bypass, role).path()) CHECK_FALSE(step.text.empty());
}

TEST_CASE("packet path: a master without its address, a backup with it") {
  Scene master("redirect", Role::kMaster);
  master.observed.kernel.addresses.clear();
  CHECK(master.step("arp").state == StepState::kBroken);
  CHECK(master.step("arp").text.find("does not answer for the VIP") != std::string::npos);
  Scene backup("redirect", Role::kBackup);
  backup.observed.kernel.addresses = Scene("redirect", Role::kMaster).desired.kernel.addresses;
  CHECK(backup.step("arp").state == StepState::kBroken);
  CHECK(backup.step("arp").text.find("beside the master") != std::string::npos);
}

TEST_CASE("packet path: arp sysctls that were changed") {
  Scene scene("mac-mark", Role::kBackup);
  scene.observed.kernel.sysctls[SysctlKey{"net.ipv4.conf.enp0s3.arp_ignore"}].value = "0";
  CHECK(scene.states() == "arp broken, mark active, ipvs idle, deliver active");
  CHECK(scene.step("arp").text == "net.ipv4.conf.enp0s3.arp_ignore differs");
}

TEST_CASE("packet path: a bypass that is gone, edited or has too much") {
  Scene gone("redirect", Role::kBackup);
  gone.observed.kernel.nft_tables.clear();
  CHECK(gone.step("redirect").state == StepState::kBroken);
  CHECK(gone.step("redirect").text == "inet twobox is missing");

  Scene element("redirect", Role::kBackup);
  element.observed.kernel.nft_elements.clear();
  CHECK(element.step("redirect").state == StepState::kBroken);

  Scene extra("redirect", Role::kMaster);
  extra.observed.kernel.nft_elements = Scene("redirect", Role::kBackup).desired.kernel.nft_elements;
  CHECK(extra.step("redirect").state == StepState::kBroken);
  CHECK(extra.step("redirect").text.find("should not be there") != std::string::npos);

  Scene rule("mac-mark", Role::kMaster);
  rule.observed.kernel.nft_rules.begin()->second.statements.clear();
  CHECK(rule.states() == "arp active, mark broken, ipvs active, deliver active");
}

TEST_CASE("packet path: another VIP's elements are not this one's fault") {
  Scene scene("redirect", Role::kMaster);
  const Endpoint mail{*IpAddress::parse("172.16.0.29"), Protocol::kTcp, 25};
  scene.observed.kernel.nft_elements[{redirect_set(AddressFamily::kIpv4), mail}] = {};
  CHECK(scene.step("redirect").state == StepState::kIdle);
}

TEST_CASE("packet path: backup-only without its sync daemon or its sysctl") {
  Scene daemon("backup-only", Role::kBackup);
  daemon.observed.kernel.ipvs_daemons.clear();
  CHECK(daemon.step("backup-only").text == "backup is missing");
  Scene sysctl("backup-only", Role::kBackup);
  sysctl.observed.kernel.sysctls[SysctlKey{"net.ipv4.vs.backup_only"}].value = "0";
  CHECK(sysctl.states() == "arp idle, backup-only broken, ipvs idle, deliver active");
}

TEST_CASE("packet path: IPVS without service, server or weight") {
  Scene service("redirect", Role::kMaster);
  service.observed.kernel.ipvs_services.clear();
  service.observed.kernel.ipvs_servers.clear();
  CHECK(service.step("ipvs").state == StepState::kBroken);
  CHECK(service.step("ipvs").text == "tcp 172.16.0.30:80 is missing");

  Scene server("redirect", Role::kMaster);
  server.observed.kernel.ipvs_servers.erase(server.observed.kernel.ipvs_servers.begin());
  CHECK(server.step("ipvs").text == "tcp 172.16.0.30:80 -> 172.16.0.31:80 is missing");

  Scene weight("redirect", Role::kMaster);
  for (auto* state : {&weight.desired.kernel, &weight.observed.kernel})
    for (auto& [key, config] : state->ipvs_servers) config.weight = 0;
  CHECK(weight.step("ipvs").state == StepState::kBroken);
}

TEST_CASE("packet path: a VIP that should be on lo and is not") {
  Scene scene("mac-mark", Role::kBackup);
  std::erase_if(scene.observed.kernel.addresses,
                [](const auto& entry) { return entry.first.interface == loopback(); });
  CHECK(scene.step("deliver").state == StepState::kBroken);
}

TEST_CASE("packet path: the share of peers is named") {
  CHECK(Scene("redirect", Role::kMaster).step("deliver").text ==
        "this node's share is answered here by the VIP on the wire; the rest goes to b by direct");
}

TEST_CASE("packet path: packets where the kernel counts them") {
  Scene scene("redirect", Role::kBackup);
  CHECK_FALSE(scene.step("ipvs").packets.has_value());
  scene.traffic.services[scene.desired.kernel.ipvs_services.begin()->first].packets_in = 7;
  for (const auto& [key, config] : scene.desired.kernel.nft_rules)
    scene.traffic.nft_counts[key] = {key.name.ends_with("ipv4") ? 5U : 900U, 0};
  CHECK(scene.step("ipvs").packets == 7);
  CHECK(scene.step("redirect").packets == 5);
  CHECK_FALSE(scene.step("arp").packets.has_value());
}

TEST_CASE("traffic as JSON") {
  Scene scene("mac-mark", Role::kMaster);
  const RealServerKey b = scene.desired.kernel.ipvs_servers.rbegin()->first;
  scene.traffic.services[b.service] = {10, 20, 0, 3000, 0};
  scene.traffic.servers[b] = {{5, 11, 0, 1500, 0}, 2, 3};
  const Json traffic =
      Json::parse(traffic_json(scene.view(), {{"web", Role::kMaster}},
                               WallTime{std::chrono::milliseconds{1'767'323'045'678}}));
  CHECK(traffic["format"] == 1);
  CHECK(traffic["at"] == "2026-01-02T03:04:05.678Z");
  CHECK(traffic["node"] == "a");
  CHECK(traffic["nodes"]["b"] == Json::parse(R"(
    {"addresses": ["172.16.0.32"], "macs": ["08:00:27:e1:3c:c5"], "self": false})"));
  const Json& web = traffic["vips"]["web"];
  CHECK(web["address"] == "172.16.0.30");
  CHECK(web["interface"] == "enp0s3");
  CHECK(web["role"] == "master");
  CHECK(web["master"] == "a");
  CHECK(web["bypass"] == "mac-mark");
  CHECK(web["path"].size() == 4);
  CHECK(web["path"][0]["packets"].is_null());
  CHECK(web["path"][2]["packets"] == 20);
  const Json& service = web["services"][0];
  CHECK(service["protocol"] == "tcp");
  CHECK(service["port"] == 80);
  CHECK(service["mark"] == 3);
  CHECK(service["scheduler"] == "rr");
  CHECK(service["connections"] == 10);
  CHECK(service["bytes_in"] == 3000);
  CHECK(service["servers"][1] == Json::parse(R"(
    {"node": "b", "address": "172.16.0.32", "port": 80, "forwarding": "direct", "weight": 1,
     "active_connections": 2, "inactive_connections": 3, "connections": 5, "packets_in": 11,
     "bytes_in": 1500})"));
}

TEST_CASE("traffic as JSON: who is master, as far as this node knows") {
  const auto master = [](Role role) {
    const Scene scene("redirect", role);
    return Json::parse(traffic_json(scene.view(), {{"web", role}}, {}))["vips"]["web"]["master"];
  };
  CHECK(master(Role::kMaster) == "a");
  // The document says a, and a is not master now: somebody has set the role by hand.
  CHECK(master(Role::kBackup).is_null());
}
