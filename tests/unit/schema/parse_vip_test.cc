// The fields of a VIP and its services that take more than one form.
#include <doctest/doctest.h>

#include "schema/parse.h"
#include "tests/unit/schema/documents.h"

using namespace twobox;
using namespace twobox::test;

namespace {

Document parsed(const std::string& text) {
  auto document = parse_document(text);
  REQUIRE(std::holds_alternative<Document>(document));
  return std::get<Document>(std::move(document));
}

Vip vip_with(const std::string& field, const std::string& value) {
  return parsed(document_with("/vips/web/" + field, value)).vips.at("web");
}

Service service_with(const std::string& field, const std::string& value) {
  return parsed(document_with("/vips/web/services/0/" + field, value)).vips.at("web").services[0];
}

Lines faults_with(const std::string& field, const std::string& value) {
  return faults_of(document_with("/vips/web/" + field, value));
}

}  // namespace

TEST_CASE("the reference document is read field by field") {
  const Document document = parsed(valid_document());
  CHECK(document.nodes.size() == 2);
  CHECK(document.nodes.at("a").addresses[0].to_string() == "172.16.0.31");
  CHECK(document.nodes.at("b").macs[0].to_string() == "08:00:27:e1:3c:c5");
  const Vip& web = document.vips.at("web");
  CHECK(web.address.to_string() == "172.16.0.30/32");
  CHECK(web.interface.str() == "enp0s3");
  CHECK(web.role == RoleSource{MasterNode{"a"}});
  CHECK(web.bypass == Bypass::kRedirect);
  REQUIRE(web.services.size() == 1);
  CHECK(web.services[0].protocol == Protocol::kTcp);
  CHECK(web.services[0].port.host_order() == 80);
  CHECK(web.services[0].scheduler == "wlc");
  REQUIRE(web.services[0].servers.has_value());
  CHECK(web.services[0].servers->at(1) == Server{NodeName("b"), {}, 1, Forwarding::kDirect, 0, 0});
  CHECK_FALSE(document.vips.at("six").services[0].servers.has_value());
  CHECK_FALSE(document.sync.has_value());
  CHECK_FALSE(document.timeouts.has_value());
  CHECK(document.sysctls == std::map<std::string, std::string>{{"net.ipv4.ip_forward", "1"}});
  CHECK(document.prune == Prune::kOwned);
}

TEST_CASE("every field of a service and its server reaches the document") {
  const Service service = parsed(document_with("/vips/web/services/0", R"({
    "protocol": "udp", "port": 53, "scheduler": "mh", "scheduler_flags": ["mh-port", "flag-3"],
    "persistence_timeout": 300, "persistence_netmask": 24, "one_packet": true, "mark": 7,
    "servers": [{"address": "10.0.0.9", "port": 5353, "weight": 9, "forwarding": "tunnel",
                 "upper_threshold": 20, "lower_threshold": 10}]})"))
                              .vips.at("web")
                              .services[0];
  CHECK(service.protocol == Protocol::kUdp);
  CHECK(service.scheduler == "mh");
  CHECK(service.scheduler_flags == SchedulerFlags{false, true, true});
  CHECK(service.persistence_timeout == 300);
  CHECK(service.persistence_prefix_length == 24U);
  CHECK(service.one_packet);
  CHECK(service.mark == Mark{7U});
  const Server want{IpAddress::parse("10.0.0.9").value(),
                    Port::from_number(5353).value(),
                    9,
                    Forwarding::kTunnel,
                    20,
                    10};
  REQUIRE(service.servers.has_value());
  CHECK(*service.servers == std::vector<Server>{want});
}

TEST_CASE("sync, timeouts and prune reach the document") {
  const Document document = parsed(
      with(with(document_with("/sync", R"({"interface": "eth1", "id": 255, "max_length": 65535,
                                      "group": "ff02::1", "port": 8848, "ttl": 255})"),
                "/timeouts", R"({"tcp": 900, "udp": 300})"),
           "/prune", "\"all\""));
  CHECK(document.sync == Sync{InterfaceName::parse("eth1").value(), 255, 65535,
                              IpAddress::parse("ff02::1").value(), Port::from_number(8848).value(),
                              255});
  CHECK(document.timeouts == Timeouts{900, {}, 300});
  CHECK(document.prune == Prune::kAll);
  CHECK(parsed(document_with("/sync", R"({"interface": "eth1"})")).sync ==
        Sync{InterfaceName::parse("eth1").value(), 0, {}, {}, {}, {}});
}

TEST_CASE("what becomes of a document that does not converge") {
  CHECK(parsed(valid_document()).if_not_converged == IfNotConverged::kKeep);
  CHECK(parsed(document_with("/if_not_converged", "\"revert\"")).if_not_converged ==
        IfNotConverged::kRevert);
}

TEST_CASE("sync is checked field by field") {
  const auto sync_with = [](const std::string& field) {
    return faults_of(document_with("/sync", R"({"interface": "eth1", )" + field + "}"));
  };
  for (const std::string good : {R"("id": 0)", R"("id": 255)", R"("max_length": 1)", R"("ttl": 1)",
                                 R"("group": "239.255.255.255")"})
    CHECK(sync_with(good).empty());
  CHECK(sync_with(R"("id": 256)") ==
        Lines{"/sync/id: found 256, allowed is a whole number from 0 to 255"});
  CHECK(sync_with(R"("ttl": 0)") ==
        Lines{"/sync/ttl: found 0, allowed is a whole number from 1 to 255"});
  CHECK(sync_with(R"("max_length": 65536)") ==
        Lines{"/sync/max_length: found 65536, allowed is a whole number from 1 to 65535"});
  CHECK(sync_with(R"("group": "10.0.0.1")") ==
        Lines{R"(/sync/group: found "10.0.0.1", allowed is an IPv4 or IPv6 multicast address)"});
  CHECK(faults_of(document_with("/sync", "{}"))[0].starts_with(
      "/sync/interface: found nothing, allowed is"));
  CHECK(faults_of(document_with("/sync", "7")) == Lines{"/sync: found 7, allowed is an object"});
}

TEST_CASE("a role is a word, a master, or something to follow") {
  CHECK(vip_with("role", "\"master\"").role == RoleSource{Role::kMaster});
  CHECK(vip_with("role", "\"backup\"").role == RoleSource{Role::kBackup});
  CHECK(vip_with("role", "\"fault\"").role == RoleSource{Role::kFault});
  CHECK(vip_with("role", R"({"master": "b"})").role == RoleSource{MasterNode{"b"}});
  CHECK(vip_with("role", R"({"follow": "address"})").role == RoleSource{FollowAddress{}});
  CHECK(
      vip_with("role", R"({"follow": "keepalived", "instance": "VI 1", "fifo": "/run/x"})").role ==
      RoleSource{FollowKeepalived{"VI 1", "/run/x"}});
}

TEST_CASE("refused roles") {
  struct Row {
    std::string value;
    Lines want;
  };
  const std::string either = "allowed is an object with either \"master\" or \"follow\"";
  const std::string fifo =
      "allowed is an absolute path of at most 4095 characters, none of them a control character";
  const std::string instance =
      "allowed is the name of a vrrp_instance: 1 to 255 characters, no control character and no '\"'";
  const Row rows[] = {
      {"\"leader\"",
       {"/vips/web/role: found \"leader\", allowed is \"master\", \"backup\", \"fault\", or an object with "
        "either \"master\" or \"follow\""}},
      {"{}", {"/vips/web/role: found an object with neither \"master\" nor \"follow\", " + either}},
      {R"({"master": "a", "follow": "address"})",
       {"/vips/web/role: found an object with both \"master\" and \"follow\", " + either}},
      {R"({"follow": "corosync", "instance": 1})",
       {R"(/vips/web/role/follow: found "corosync", allowed is "address" or "keepalived")"}},
      {R"({"follow": "address", "fifo": "/x"})",
       {R"(/vips/web/role/fifo: found an unknown key, allowed is "master" or "follow")"}},
      {R"({"follow": "keepalived"})",
       {"/vips/web/role/instance: found nothing, " + instance,
        "/vips/web/role/fifo: found nothing, " + fifo}},
      {R"({"follow": "keepalived", "instance": "a\"b", "fifo": "run/x"})",
       {"/vips/web/role/instance: found \"a\\\"b\", " + instance,
        "/vips/web/role/fifo: found \"run/x\", " + fifo}},
      {R"({"follow": "keepalived", "instance": "", "fifo": "/"})",
       {"/vips/web/role/instance: found \"\", " + instance,
        "/vips/web/role/fifo: found \"/\", " + fifo}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.value);
    CHECK(faults_with("role", row.value) == row.want);
  }
}

TEST_CASE("scheduler flags have the names of their scheduler") {
  struct Row {
    std::string scheduler;
    std::string flags;
    std::optional<SchedulerFlags> want;
  };
  const Row rows[] = {
      {"rr", R"(["flag-1", "flag-3"])", SchedulerFlags{true, false, true}},
      {"sh", R"(["sh-fallback", "sh-port"])", SchedulerFlags{true, true, false}},
      {"sh", R"(["flag-2"])", SchedulerFlags{false, true, false}},
      {"mh", R"(["mh-fallback", "mh-port"])", SchedulerFlags{true, true, false}},
      {"rr", R"(["sh-port"])", {}},
      {"mh", R"(["sh-port"])", {}},
      {"sh", R"(["mh-port"])", {}},
      {"rr", R"(["flag-4"])", {}},
      {"rr", R"(["flag-1", "flag-1"])", {}},
      {"sh", R"(["flag-1", "sh-fallback"])", {}},
      {"rr", "[1]", {}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.scheduler);
    CAPTURE(row.flags);
    const auto document = parse_document(
        with(document_with("/vips/web/services/0/scheduler", "\"" + row.scheduler + "\""),
             "/vips/web/services/0/scheduler_flags", row.flags));
    REQUIRE(std::holds_alternative<Document>(document) == row.want.has_value());
    if (row.want)
      CHECK(std::get<Document>(document).vips.at("web").services[0].scheduler_flags == *row.want);
  }
}

TEST_CASE("refused flags name those of the scheduler") {
  const std::string pointer = "services/0/scheduler_flags";
  CHECK(
      faults_with(pointer, R"(["flag-1", "sh-port"])") ==
      Lines{
          R"(/vips/web/services/0/scheduler_flags/1: found "sh-port", allowed is "flag-1", "flag-2" or )"
          R"("flag-3" with scheduler "wlc")"});
  CHECK(faults_with(pointer, R"(["flag-1", "flag-1"])") ==
        Lines{R"(/vips/web/services/0/scheduler_flags/1: found "flag-1" (the same flag again), )"
              "allowed is each flag once"});
}

TEST_CASE("a persistence netmask has the VIP's family") {
  struct Row {
    std::string vip;
    std::string value;
    std::optional<unsigned> want;
  };
  const Row rows[] = {
      {"web", "1", 1},
      {"web", "32", 32},
      {"web", "\"255.255.255.0\"", 24},
      {"web", "\"128.0.0.0\"", 1},
      {"web", "\"255.255.255.255\"", 32},
      {"web", "0", {}},
      {"web", "33", {}},
      {"web", "\"0.0.0.0\"", {}},
      {"web", "\"255.0.255.0\"", {}},
      {"web", "\"0.0.0.255\"", {}},
      {"web", "\"24\"", {}},
      {"web", "\"ffff::\"", {}},
      {"six", "1", 1},
      {"six", "128", 128},
      {"six", "129", {}},
      {"six", "\"255.255.255.0\"", {}},
      {"six", "\"ffff::\"", {}},
      {"six", "null", {}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.vip);
    CAPTURE(row.value);
    const std::string service = "/vips/" + row.vip + "/services/0";
    const auto document =
        parse_document(document_with(service + "/persistence_netmask", row.value));
    REQUIRE(std::holds_alternative<Document>(document) == row.want.has_value());
    if (row.want)
      CHECK(std::get<Document>(document).vips.at(row.vip).services[0].persistence_prefix_length ==
            row.want);
  }
  CHECK(
      faults_of(document_with("/vips/six/services/0/persistence_netmask", "\"255.255.255.0\"")) ==
      Lines{
          "/vips/six/services/0/persistence_netmask: found \"255.255.255.0\", allowed is a prefix length "
          "from 1 to 128"});
}

TEST_CASE("a mark is one for all nodes, or one by node") {
  CHECK(service_with("mark", "1").mark == Mark{1U});
  CHECK(service_with("mark", "4294967295").mark == Mark{4294967295U});
  CHECK(service_with("mark", R"({"a": 3, "b": 4})").mark ==
        Mark{std::map<NodeName, std::uint32_t>{{"a", 3}, {"b", 4}}});
  for (const std::string value : {"0", "4294967296", "-1", "\"3\"", "null"})
    CHECK(
        faults_with("services/0/mark", value)[0] ==
        "/vips/web/services/0/mark: found " + value +
            ", allowed is a whole number from 1 to 4294967295, or an object with one for each node");
  CHECK(faults_with("services/0/mark", R"({"a": 0, "b": 4})")[0] ==
        "/vips/web/services/0/mark/a: found 0, allowed is a whole number from 1 to 4294967295");
}

TEST_CASE("a server has a node or an address") {
  const std::string either = "allowed is an object with either \"node\" or \"address\"";
  CHECK(
      faults_with("services/0/servers/0", "{}") ==
      Lines{
          "/vips/web/services/0/servers/0: found an object with neither \"node\" nor \"address\", " +
          either});
  CHECK(
      faults_with("services/0/servers/0", R"({"node": "a", "address": "10.0.0.1"})") ==
      Lines{"/vips/web/services/0/servers/0: found an object with both \"node\" and \"address\", " +
            either});
  CHECK(faults_with("services/0/servers/0", "\"a\"") ==
        Lines{"/vips/web/services/0/servers/0: found \"a\", allowed is an object"});
  CHECK(
      faults_with("services/0/servers/0", R"({"address": "127.0.0.1"})") ==
      Lines{
          "/vips/web/services/0/servers/0/address: found \"127.0.0.1\" (a loopback address), allowed is an "
          "IPv4 or IPv6 address of one machine, without a prefix length"});
}
