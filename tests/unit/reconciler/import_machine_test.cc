#include "reconciler/import_machine.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "reconciler/bypass_table.h"
#include "reconciler/describe.h"
#include "reconciler/plan.h"
#include "reconciler/resolve.h"
#include "reconciler/roles.h"
#include "schema/bypass_sysctls.h"
#include "schema/document_json.h"
#include "tests/unit/schema/documents.h"

using namespace twobox;
using twobox::test::Lines;

namespace {

const InterfaceName kWire = *InterfaceName::parse("enp0s3");
const IpAddress kVip = *IpAddress::parse("172.16.0.30");
const IpAddress kOwn = *IpAddress::parse("172.16.0.31");
const IpAddress kPeer = *IpAddress::parse("172.16.0.32");
const MacAddress kOwnMac = *MacAddress::parse("08:00:27:77:84:ef");
const MacAddress kPeerMac = *MacAddress::parse("08:00:27:e1:3c:c5");
const MacsByAddress kMacs = {{kOwn, kOwnMac}, {kPeer, kPeerMac}};
const IpvsServiceKey kService = Endpoint{kVip, Protocol::kTcp, 80};
const IpvsServiceKey kMarked = FirewallMark{AddressFamily::kIpv4, 3};

/// Machine a of the reference set-up, whose two servers stand behind `service`.
MachineFacts machine(const IpvsServiceKey& service) {
  MachineFacts facts;
  KernelState& kernel = facts.state.kernel;
  facts.state.ipvs_loaded = true;
  facts.state.links[kWire] = Link{2, kOwnMac, true};
  kernel.addresses[{kWire, IpPrefix(kOwn, 24)}] = {};
  kernel.ipvs_services[service] = IpvsServiceConfig{"rr", {}, {}, false, ""};
  for (const IpAddress& server : {kOwn, kPeer})
    kernel.ipvs_servers[{service, server, 80}] = RealServerConfig{};
  kernel.ipvs_timeouts[{}] = IpvsTimeoutsConfig{900, 120, 300};
  kernel.sysctls[SysctlKey{"net.ipv4.ip_forward"}] = {"1"};
  return facts;
}

MachineFacts master(const IpvsServiceKey& service) {
  MachineFacts facts = machine(service);
  facts.state.kernel.addresses[{kWire, IpPrefix::host(kVip)}] = {};
  return facts;
}

MachineFacts marking() {
  MachineFacts facts = master(kMarked);
  facts.state.kernel.addresses[{loopback(), IpPrefix::host(kVip)}] = {};
  facts.bypasses.read.push_back(
      {"ip mangle PREROUTING", kVip, Protocol::kTcp, *Port::from_number(80), 3, {kPeerMac}});
  return facts;
}

Vip vip_of(const MachineFacts& facts) {
  const Import import = import_machine(facts, kMacs);
  REQUIRE(import.document.vips.size() == 1);
  return import.document.vips.begin()->second;
}

bool has_note(const MachineFacts& facts, const std::string& part) {
  const Import import = import_machine(facts, kMacs);
  return std::ranges::any_of(
      import.notes, [&](const std::string& note) { return note.find(part) != std::string::npos; });
}

/// What apply would do beside twobox's own nft table.
std::size_t changes_outside_nft(const MachineFacts& facts) {
  auto valid = validate(import_machine(facts, kMacs).document);
  REQUIRE(std::holds_alternative<ValidDocument>(valid));
  const auto& document = std::get<ValidDocument>(valid);
  const VipRoles roles = decide_roles(*document, "a", {facts.state.kernel.addresses, {}, {}});
  const Plan plan = make_plan(resolve(document, "a", roles_of(roles)), facts.state, {});
  return static_cast<std::size_t>(std::ranges::count_if(plan.steps, [](const Step& step) {
    return subsystem_of(step.change) != Subsystem::kNftables;
  }));
}

}  // namespace

TEST_CASE("a master without a bypass to see is presumed to redirect when it is backup") {
  const MachineFacts facts = master(kService);
  const Import import = import_machine(facts, kMacs);
  CHECK(test::faults_of(document_json(import.document)) == Lines{});
  const Vip vip = vip_of(facts);
  CHECK(vip.bypass == Bypass::kRedirect);
  CHECK(vip.role == RoleSource(MasterNode{"a"}));
  CHECK(vip.interface == kWire);
  CHECK_FALSE(vip.services.front().servers);
  CHECK(import.document.nodes.at("b").macs == std::vector{kPeerMac});
  CHECK(import.document.sysctls ==
        std::map<std::string, std::string>{{"net.ipv4.ip_forward", "1"}});
  CHECK_FALSE(import.document.timeouts);
  CHECK(has_note(facts, "\"redirect\" is presumed"));
  CHECK(changes_outside_nft(facts) == 0);
}

TEST_CASE("a backup that redirects") {
  MachineFacts facts = machine(kService);
  facts.bypasses.read.push_back(
      {"ip nat PREROUTING", kVip, Protocol::kTcp, *Port::from_number(80), {}, {}});
  CHECK(vip_of(facts).bypass == Bypass::kRedirect);
  CHECK(vip_of(facts).role == RoleSource(MasterNode{"b"}));
  CHECK(has_note(facts, "node b is presumed to be master"));
  CHECK(has_note(facts, "ip nat PREROUTING: the rule for 172.16.0.30 stays"));
  CHECK(changes_outside_nft(facts) == 0);
}

TEST_CASE("marks that leave the peer's packets alone") {
  MachineFacts facts = marking();
  const Vip vip = vip_of(facts);
  CHECK(vip.address == IpPrefix::host(kVip));
  CHECK(vip.bypass == Bypass::kMacMark);
  CHECK(vip.services.front().mark == Mark(3U));
  CHECK(vip.services.front().port.host_order() == 80);
  for (const auto& [name, value] : std::map<std::string, std::string>{
           {"net.ipv4.conf.enp0s3.arp_ignore", "1"}, {"net.ipv4.conf.enp0s3.arp_announce", "2"}})
    facts.state.kernel.sysctls[SysctlKey{name}] = {value};
  CHECK(changes_outside_nft(facts) == 0);
}

TEST_CASE("a mark rule knows the peer's MAC where nobody else does") {
  const Import import = import_machine(marking(), {{kOwn, kOwnMac}});
  CHECK(import.document.nodes.at("b").macs == std::vector{kPeerMac});
}

TEST_CASE("twobox's own table tells what a mark stands for, and what is redirected") {
  MachineFacts facts = marking();
  facts.bypasses = {};
  const Endpoint endpoint{kVip, Protocol::kTcp, 80};
  add_mark(facts.state.kernel, endpoint, 3);
  CHECK(vip_of(facts).bypass == Bypass::kMacMark);

  MachineFacts backup = machine(kService);
  add_redirect(backup.state.kernel, endpoint, RedirectOf::kEveryPacket);
  CHECK(vip_of(backup).bypass == Bypass::kRedirect);
}

TEST_CASE("a mark that no rule gives is left out") {
  MachineFacts facts = marking();
  facts.bypasses = {};
  CHECK(import_machine(facts, kMacs).document.vips.empty());
  CHECK(has_note(facts, "fwmark 3 ipv4: no rule"));
  facts = marking();
  facts.bypasses.read.push_back(
      {"ip mangle PREROUTING", kVip, Protocol::kTcp, *Port::from_number(443), 3, {kPeerMac}});
  CHECK(has_note(facts, "it stands for several ports"));
}

TEST_CASE("what marks or redirects by sets is said, unless it is for something else") {
  MachineFacts facts = machine(kService);
  CHECK_FALSE(has_note(facts, "by what it looks up in sets"));
  facts.bypasses.unread = {{"ip t pre", 7, std::nullopt},
                           {"ip t post", 8, kVip},
                           {"ip t other", 9, IpAddress::parse("192.0.2.99").value()}};
  CHECK(has_note(facts, "ip t pre: the rule with handle 7 marks or redirects by what it looks up"));
  CHECK(has_note(facts, "nft -a list chain ip t pre"));
  CHECK(has_note(facts, "ip t post: the rule with handle 8"));
  CHECK_FALSE(has_note(facts, "ip t other"));
}

TEST_CASE("backup-only with the sync daemon's settings") {
  MachineFacts facts = machine(kService);
  KernelState& kernel = facts.state.kernel;
  kernel.addresses[{loopback(), IpPrefix::host(kVip)}] = {};
  kernel.sysctls[SysctlKey{kBackupOnlySysctl}] = {"1"};
  kernel.sysctls[SysctlKey{"net.ipv4.conf.enp0s3.arp_ignore"}] = {"1"};
  kernel.sysctls[SysctlKey{"net.ipv4.conf.enp0s3.arp_announce"}] = {"2"};
  kernel.ipvs_daemons.emplace(
      SyncDaemonKey{SyncState::kBackup},
      SyncDaemonConfig{kWire, 7, 1472, *IpAddress::parse("224.0.0.81"), 8848, 1});
  const Import import = import_machine(facts, kMacs);
  CHECK(vip_of(facts).bypass == Bypass::kBackupOnly);
  CHECK(import.document.sync == Sync{kWire, 7, {}, {}, {}, {}});
  CHECK_FALSE(import.document.sysctls.contains(kBackupOnlySysctl));
  CHECK(changes_outside_nft(facts) == 0);
  kernel.ipvs_daemons.emplace(
      SyncDaemonKey{SyncState::kMaster},
      SyncDaemonConfig{kWire, 7, 1472, *IpAddress::parse("224.0.0.90"), 8849, 3});
  CHECK(has_note(facts, "both sync daemons run"));
  kernel.ipvs_daemons.erase(SyncDaemonKey{SyncState::kBackup});
  CHECK(import_machine(facts, kMacs).document.sync ==
        Sync{kWire, 7, {}, *IpAddress::parse("224.0.0.90"), *Port::from_number(8849), 3});
}

TEST_CASE("a VIP on lo and nothing else is no bypass") {
  MachineFacts facts = machine(kService);
  facts.state.kernel.addresses[{loopback(), IpPrefix::host(kVip)}] = {};
  CHECK(vip_of(facts).bypass == Bypass::kNone);
  CHECK(has_note(facts, "bypass is \"none\" until you choose one"));
}

TEST_CASE("an address that keepalived's files name is followed") {
  MachineFacts facts = master(kService);
  facts.keepalived_words = {"172.16.0.30/32"};
  CHECK(vip_of(facts).role == RoleSource(FollowAddress{}));
}

TEST_CASE("with two other nodes nobody is presumed to be master") {
  MachineFacts facts = machine(kService);
  facts.state.kernel.ipvs_servers[{kService, *IpAddress::parse("172.16.0.33"), 80}] = {};
  CHECK(vip_of(facts).role == RoleSource(Role::kBackup));
  CHECK(has_note(facts, "until you name the master"));
}

TEST_CASE("what a service has is kept") {
  MachineFacts facts = master(kService);
  KernelState& kernel = facts.state.kernel;
  kernel.ipvs_services[kService] =
      IpvsServiceConfig{"sh", {true, false, false}, Persistence{50, 24}, false, "sip"};
  kernel.ipvs_servers[{kService, kPeer, 80}] = RealServerConfig{Forwarding::kDirect, 5, 9, 3, {}};
  kernel.ipvs_servers[{kService, *IpAddress::parse("10.0.0.9"), 8080}] =
      RealServerConfig{Forwarding::kMasquerade, 1, 0, 0, {}};
  kernel.ipvs_timeouts[{}] = IpvsTimeoutsConfig{60, 120, 300};
  const Service service = vip_of(facts).services.front();
  CHECK(service.scheduler_flags.flag_1);
  CHECK(service.persistence_timeout == 50);
  CHECK(service.persistence_prefix_length == 24U);
  REQUIRE(service.servers);
  CHECK(service.servers->size() == 3);
  CHECK(import_machine(facts, kMacs).document.nodes.size() == 2);
  CHECK(import_machine(facts, kMacs).document.timeouts == Timeouts{60, 120, 300});
  CHECK(has_note(facts, "no persistence engine"));
  kernel.ipvs_services[kService].persistence_engine = "";
  CHECK(changes_outside_nft(facts) == 0);
}

TEST_CASE("a service of all ports is left out, and so is a machine without IPVS") {
  CHECK(has_note(machine(Endpoint{kVip, Protocol::kTcp, 0}), "a service of all ports; left out"));
  CHECK(import_machine({}, kMacs).document == Document{});
  CHECK(has_note({}, "no IPVS service here"));
}
