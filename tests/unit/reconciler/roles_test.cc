#include "reconciler/roles.h"

#include <doctest/doctest.h>

using namespace twobox;

namespace {

MacAddress mac(const char* text) {
  return *MacAddress::parse(text);
}
IpAddress address(const char* text) {
  return *IpAddress::parse(text);
}

Document two_nodes() {
  Document document;
  document.nodes["a"] = {{address("172.16.0.31"), address("2001:db8::31")},
                         {mac("08:00:27:77:84:ef"), mac("08:00:27:77:84:f0")}};
  document.nodes["b"] = {{address("172.16.0.32")}, {mac("08:00:27:e1:3c:c5")}};
  return document;
}

struct ThisMachine {
  Machine observed;

  ThisMachine& with_mac(const char* text) {
    const std::string name = "eth" + std::to_string(observed.links.size());
    observed.links[*InterfaceName::parse(name)].mac = mac(text);
    return *this;
  }
  ThisMachine& with_address(const char* text) {
    observed.addresses[{*InterfaceName::parse("eth0"), *IpPrefix::parse(text)}] = {};
    return *this;
  }
};

Document with_role(RoleSource role) {
  Document document = two_nodes();
  const IpPrefix vip = IpPrefix::host(address("172.16.0.30"));
  document.vips.emplace(
      "web", Vip{vip, *InterfaceName::parse("eth0"), std::move(role), Bypass::kRedirect, {}});
  return document;
}

}  // namespace

TEST_CASE("a machine is the node that has one of its MACs or addresses") {
  const std::pair<ThisMachine, const char*> rows[] = {
      {ThisMachine().with_mac("08:00:27:77:84:ef"), "a"},
      {ThisMachine().with_mac("02:00:00:00:00:01").with_mac("08:00:27:77:84:f0"), "a"},
      {ThisMachine().with_mac("08:00:27:e1:3c:c5"), "b"},
      {ThisMachine().with_address("172.16.0.31/24"), "a"},
      {ThisMachine().with_address("127.0.0.1/8").with_address("2001:db8::31/64"), "a"},
      {ThisMachine().with_address("172.16.0.32/32"), "b"},
      {ThisMachine().with_mac("08:00:27:e1:3c:c5").with_address("172.16.0.32/24"), "b"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.second);
    const auto node = identify_node(two_nodes(), row.first.observed);
    REQUIRE(node.has_value());
    CHECK(*node == row.second);
  }
}

TEST_CASE("a machine that is no node is told how to say which it is") {
  ThisMachine strange;
  strange.with_mac("02:00:00:00:00:01").with_address("172.16.0.3/24");
  strange.observed.links[*InterfaceName::parse("lo")] = {};
  for (const ThisMachine& machine : {ThisMachine(), strange}) {
    const auto node = identify_node(two_nodes(), machine.observed);
    REQUIRE_FALSE(node.has_value());
    CHECK(node.error().kind == ErrorKind::kInvalidDocument);
    CHECK(node.error().message ==
          "no node of the document has a MAC or an address of this machine; name it with "
          "--node NAME");
  }
}

TEST_CASE("a machine that is several nodes is told which") {
  const auto machine = ThisMachine().with_mac("08:00:27:77:84:ef").with_address("172.16.0.32/24");
  const auto node = identify_node(two_nodes(), machine.observed);
  REQUIRE_FALSE(node.has_value());
  CHECK(node.error().kind == ErrorKind::kInvalidDocument);
  CHECK(node.error().message.find("(a, b)") != std::string::npos);
}

TEST_CASE("the role a document gives to each node") {
  struct Row {
    RoleSource source;
    Role on_a;
    Role on_b;
    const char* source_name = "document";
  };
  const Row rows[] = {
      {MasterNode{"a"}, Role::kMaster, Role::kBackup},
      {MasterNode{"b"}, Role::kBackup, Role::kMaster},
      {Role::kMaster, Role::kMaster, Role::kMaster},
      {Role::kBackup, Role::kBackup, Role::kBackup},
      {Role::kFault, Role::kFault, Role::kFault},
      // The VIP is not on this machine.
      {FollowAddress{}, Role::kBackup, Role::kBackup, "address"},
      {FollowKeepalived{"VI_1", "/run/fifo"}, Role::kBackup, Role::kBackup, "keepalived"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.source.index());
    const Document document = with_role(row.source);
    CHECK(decide_roles(document, "a", {}) == VipRoles{{"web", {row.on_a, row.source_name}}});
    CHECK(decide_roles(document, "b", {}) == VipRoles{{"web", {row.on_b, row.source_name}}});
  }
}

TEST_CASE("a document without VIPs gives no roles") {
  CHECK(decide_roles(two_nodes(), "a", {}).empty());
}

TEST_CASE("who follows an address is master while it is on the VIP's interface") {
  struct Row {
    const char* interface;
    const char* prefix;
    Role role;
  };
  const Row rows[] = {
      {"eth0", "172.16.0.30/32", Role::kMaster},
      {"eth0", "172.16.0.30/24", Role::kMaster},  // keepalived may give it another length
      {"lo", "172.16.0.30/32", Role::kBackup},
      {"eth0", "172.16.0.31/32", Role::kBackup},
  };
  for (const Row& row : rows) {
    CAPTURE(row.prefix);
    RoleEvidence evidence;
    evidence.addresses[{*InterfaceName::parse(row.interface), *IpPrefix::parse(row.prefix)}] = {};
    const VipRoles by_address = decide_roles(with_role(FollowAddress{}), "a", evidence);
    CHECK(by_address == VipRoles{{"web", {row.role, "address"}}});
    // keepalived's word does not make a master, nor unmake one.
    evidence.keepalived_faults = {"VI_1"};
    const Role fault = row.role == Role::kMaster ? Role::kMaster : Role::kFault;
    const VipRoles by_pipe = decide_roles(with_role(FollowKeepalived{"VI_1", "/x"}), "a", evidence);
    CHECK(by_pipe == VipRoles{{"web", {fault, "keepalived"}}});
  }
}

TEST_CASE("a role set by hand comes first") {
  RoleEvidence evidence;
  evidence.overrides = {{"web", Role::kFault}, {"gone", Role::kMaster}};
  CHECK(decide_roles(with_role(MasterNode{"a"}), "a", evidence) ==
        VipRoles{{"web", {Role::kFault, "override"}}});
}
