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

struct Machine {
  ObservedState observed;

  Machine& with_mac(const char* text) {
    const std::string name = "eth" + std::to_string(observed.links.size());
    observed.links[*InterfaceName::parse(name)].mac = mac(text);
    return *this;
  }
  Machine& with_address(const char* text) {
    observed.kernel.addresses[{*InterfaceName::parse("eth0"), *IpPrefix::parse(text)}] = {};
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
  const std::pair<Machine, const char*> rows[] = {
      {Machine().with_mac("08:00:27:77:84:ef"), "a"},
      {Machine().with_mac("02:00:00:00:00:01").with_mac("08:00:27:77:84:f0"), "a"},
      {Machine().with_mac("08:00:27:e1:3c:c5"), "b"},
      {Machine().with_address("172.16.0.31/24"), "a"},
      {Machine().with_address("127.0.0.1/8").with_address("2001:db8::31/64"), "a"},
      {Machine().with_address("172.16.0.32/32"), "b"},
      {Machine().with_mac("08:00:27:e1:3c:c5").with_address("172.16.0.32/24"), "b"},
  };
  for (const auto& [machine, name] : rows) {
    CAPTURE(name);
    const auto node = identify_node(two_nodes(), machine.observed);
    REQUIRE(node.has_value());
    CHECK(*node == name);
  }
}

TEST_CASE("a machine that is no node is told how to say which it is") {
  Machine strange;
  strange.with_mac("02:00:00:00:00:01").with_address("172.16.0.3/24");
  strange.observed.links[*InterfaceName::parse("lo")] = {};
  for (const Machine& machine : {Machine(), strange}) {
    const auto node = identify_node(two_nodes(), machine.observed);
    REQUIRE_FALSE(node.has_value());
    CHECK(node.error().kind == ErrorKind::kInvalidDocument);
    CHECK(node.error().message ==
          "no node of the document has a MAC or an address of this machine; name it with "
          "--node NAME");
  }
}

TEST_CASE("a machine that is several nodes is told which") {
  const auto machine = Machine().with_mac("08:00:27:77:84:ef").with_address("172.16.0.32/24");
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
  };
  const Row rows[] = {
      {MasterNode{"a"}, Role::kMaster, Role::kBackup},
      {MasterNode{"b"}, Role::kBackup, Role::kMaster},
      {Role::kMaster, Role::kMaster, Role::kMaster},
      {Role::kBackup, Role::kBackup, Role::kBackup},
      {Role::kFault, Role::kFault, Role::kFault},
      // Nobody has said anything yet: a backup does the least harm.
      {FollowAddress{}, Role::kBackup, Role::kBackup},
      {FollowKeepalived{"VI_1", "/run/fifo"}, Role::kBackup, Role::kBackup},
  };
  for (const Row& row : rows) {
    CAPTURE(row.source.index());
    const Document document = with_role(row.source);
    CHECK(roles_by_document(document, "a") == Roles{{"web", row.on_a}});
    CHECK(roles_by_document(document, "b") == Roles{{"web", row.on_b}});
  }
}

TEST_CASE("a document without VIPs gives no roles") {
  CHECK(roles_by_document(two_nodes(), "a").empty());
}
