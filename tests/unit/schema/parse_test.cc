// What each field of a document takes and refuses.
#include "schema/parse.h"

#include <doctest/doctest.h>

#include "tests/unit/schema/documents.h"

using namespace twobox;
using namespace twobox::test;

namespace {

/// Values for the field at a pointer; those refused with the fault "POINTER: found X, allowed is
/// ...".
struct FieldTable {
  std::string pointer;
  std::string allowed;
  std::vector<std::string> taken;
  std::vector<std::string> refused;  // shown as they are written
};

void check_table(const FieldTable& table) {
  CAPTURE(table.pointer);
  for (const std::string& value : table.taken) {
    CAPTURE(value);
    CHECK(std::holds_alternative<Document>(parse_document(document_with(table.pointer, value))));
  }
  for (const std::string& value : table.refused) {
    CAPTURE(value);
    const auto parsed = parse_document(document_with(table.pointer, value));
    const auto* const faults = std::get_if<Faults>(&parsed);
    REQUIRE(faults != nullptr);
    REQUIRE(faults->size() == 1);
    CHECK(to_string((*faults)[0]) ==
          table.pointer + ": found " + value + ", allowed is " + table.allowed);
  }
}

std::string whole_number(const std::string& min, const std::string& max) {
  return "a whole number from " + min + " to " + max;
}

constexpr const char* kServer = "/vips/web/services/0/servers/0";
constexpr const char* kService = "/vips/web/services/0";

std::string at(const std::string& parent, const std::string& name) {
  return parent + "/" + name;
}

}  // namespace

TEST_CASE("numbers are taken on this side of each border and refused on the other") {
  const std::string sync = R"({"interface": "eth0"})";
  const FieldTable tables[] = {
      {"/version", "exactly 1", {"1"}, {"0", "2", "-1", "true", "\"1\"", "null"}},
      {at(kService, "port"),
       whole_number("1", "65535"),
       {"1", "65535"},
       {"0", "65536", "65616", "-1", "true", "null", "\"80\"", "18446744073709551616"}},
      {at(kServer, "port"), whole_number("1", "65535"), {"1", "65535"}, {"0", "65536"}},
      {at(kServer, "weight"),
       whole_number("0", "2147483647"),
       {"0", "2147483647"},
       {"2147483648", "-1", "4294967296"}},
      {at(kServer, "upper_threshold"),
       whole_number("0", "4294967295"),
       {"0", "4294967295"},
       {"4294967296", "-1"}},
      {at(kServer, "lower_threshold"),
       whole_number("0", "4294967295"),
       {"0"},
       {"4294967296", "-1"}},
      {at(kService, "persistence_timeout"),
       whole_number("0", "2678400"),
       {"0", "1", "2678400"},
       {"2678401", "-1"}},
      {at(kService, "one_packet"),
       "true or false",
       {"true", "false"},
       {"0", "1", "\"true\"", "null"}},
      {"/timeouts/tcp", whole_number("1", "2147483"), {"1", "2147483"}, {"0", "2147484", "-1"}},
      {"/timeouts/tcp_fin", whole_number("1", "2147483"), {"1", "2147483"}, {"0", "2147484"}},
      {"/timeouts/udp", whole_number("1", "2147483"), {"1", "2147483"}, {"0", "2147484"}},
  };
  for (const FieldTable& table : tables) check_table(table);
}

TEST_CASE("a number with a fraction or an exponent is no whole number") {
  for (const std::string value : {"1.0", "1.9", "1e2", "1E0", "0.8e2", "-0.0"}) {
    CAPTURE(value);
    CHECK(faults_of(document_with("/vips/web/services/0/port", value)) ==
          Lines{"/vips/web/services/0/port: found " + value +
                " (not written as a whole number), allowed is a whole number from 1 to 65535"});
    CHECK(faults_of(document_with("/version", value)).size() == 1);
  }
}

TEST_CASE("words are taken as they are spelt") {
  const FieldTable tables[] = {
      {at(kService, "protocol"),
       R"("tcp", "udp" or "sctp")",
       {"\"tcp\"", "\"udp\"", "\"sctp\""},
       {"\"TCP\"", "\"icmp\"", "6", "\"\""}},
      {"/vips/web/bypass",
       R"("redirect", "mac-mark", "backup-only" or "none")",
       {"\"redirect\"", "\"mac-mark\"", "\"backup-only\"", "\"none\""},
       {"\"mac_mark\"", "true", "null"}},
      {at(kServer, "forwarding"),
       R"("direct", "masquerade" or "tunnel")",
       {"\"direct\"", "\"masquerade\"", "\"tunnel\""},
       {"\"local\"", "0"}},
      {"/prune", R"("owned" or "all")", {"\"owned\"", "\"all\""}, {"\"none\"", "true"}},
      {"/if_not_converged",
       R"("keep" or "revert")",
       {"\"keep\"", "\"revert\""},
       {"\"rollback\"", "true"}},
      {at(kService, "scheduler"),
       R"("rr", "wrr", "lc", "wlc", "fo", "ovf", "lblc", "lblcr", "dh", "sh", "mh", "sed", "nq" or "twos")",
       {"\"rr\"", "\"wrr\"", "\"lc\"", "\"wlc\"", "\"fo\"", "\"ovf\"", "\"lblc\"", "\"lblcr\"",
        "\"dh\"", "\"sh\"", "\"mh\"", "\"sed\"", "\"nq\"", "\"twos\""},
       {"\"RR\"", "\"wrong\"", "1"}},
  };
  for (const FieldTable& table : tables) check_table(table);
}

TEST_CASE("addresses are those that one machine can have") {
  const FieldTable node{"/nodes/a/addresses/0",
                        "an IPv4 or IPv6 address of one machine, without a prefix length",
                        {"\"10.0.0.1\"", "\"240.0.0.1\"", "\"2001:db8::99\"", "\"fec0::1\""},
                        {"\"10.0.0\"", "\"10.0.0.1/24\"", "\"\"", "1", "null", "\"fe80::1%eth0\""}};
  check_table(node);
  const FieldTable vip{
      "/vips/web/address",
      "an IPv4 or IPv6 address, alone or with a prefix length from /1 to /32 or /128",
      {"\"10.0.0.1\"", "\"10.0.0.1/1\"", "\"10.0.0.1/32\"", "\"2001:db8::99/128\"",
       "\"fe80::1/64\""},
      {"\"10.0.0.1/0\"", "\"10.0.0.1/33\"", "\"2001:db8::99/129\"", "\"10.0.0.1/\"", "3232235521"}};
  check_table(vip);
  const FieldTable mac{
      "/nodes/a/macs/0",
      "the MAC address of one interface (no group, not all zeros), such as \"08:00:27:77:84:ef\"",
      {"\"02:00:00:00:00:01\"", "\"02-00-00-00-00-01\""},
      {"\"01:00:00:00:00:01\"", "\"00:00:00:00:00:00\"", "\"02:00\"", "2"}};
  check_table(mac);
}

TEST_CASE("addresses of no machine or of many are refused with the reason") {
  struct Row {
    std::string_view address;
    std::string_view reason;
  };
  const Row rows[] = {
      {"0.0.0.0", "the unspecified address"},
      {"::", "the unspecified address"},
      {"224.0.0.18", "a multicast address"},
      {"ff02::1", "a multicast address"},
      {"127.0.0.1", "a loopback address"},
      {"::1", "a loopback address"},
      {"255.255.255.255", "the broadcast address"},
      {"::ffff:10.0.0.1", "an IPv4 address in IPv6 form"},
  };
  for (const Row& row : rows) {
    const std::string value = "\"" + std::string(row.address) + "\"";
    const std::string found =
        ": found " + value + " (" + std::string(row.reason) + "), allowed is an IPv4";
    for (const std::string pointer : {"/nodes/a/addresses/0", "/vips/web/address"}) {
      const Lines faults = faults_of(document_with(pointer, value));
      CAPTURE(value);
      REQUIRE(faults.size() == 1);
      CHECK(faults[0].starts_with(pointer + found));
    }
  }
  CHECK(
      faults_of(document_with("/nodes/a/addresses/1", "\"fe80::1\"")) ==
      Lines{"/nodes/a/addresses/1: found \"fe80::1\" (a link-local address), allowed is an IPv4 or "
            "IPv6 address of one machine, without a prefix length"});
}

TEST_CASE("a wire interface is one that leads to other machines") {
  check_table(
      {"/vips/web/interface",
       "the name of an interface to other machines: 1 to 15 bytes without '/', ':' or white space",
       {"\"eth0\"", "\"bond0.100\"", "\"aaaaaaaaaaaaaaa\"", "\"lo0\"", "\"all0\""},
       {"\"lo\"", "\"all\"", "\"default\"", "\"\"", "\"aaaaaaaaaaaaaaaa\"", "\"a b\"", "\"a/b\"",
        "\"a:b\"", "\".\"", "\"..\"", "\"a\\n\"", "\"a\\u0001\"", "\"a\\u0000\"", "1"}});
}

TEST_CASE("lists have at least one element, services and servers may have none") {
  const FieldTable tables[] = {
      {"/nodes/a/addresses",
       "an array of one or more addresses",
       {"[\"10.0.0.1\"]"},
       {"\"10.0.0.1\"", "null"}},
      {"/nodes/a/macs",
       "an array of one or more MAC addresses",
       {"[\"02:00:00:00:00:01\"]"},
       {"1"}},
      {"/vips/web/services", "an array of services", {"[]"}, {"null", "80"}},
      {at(kService, "servers"), "an array of servers", {"[]"}, {"\"a\"", "null"}},
      {at(kService, "scheduler_flags"), "an array of scheduler flags", {"[]"}, {"\"flag-1\""}},
  };
  for (const FieldTable& table : tables) check_table(table);
  CHECK(
      faults_of(document_with("/nodes/a/macs", "[]")) ==
      Lines{
          "/nodes/a/macs: found an empty array, allowed is an array of one or more MAC addresses"});
}

TEST_CASE("two to sixteen nodes") {
  const auto nodes = [](int count) {
    std::string text;
    for (int i = 1; i <= count; ++i) {
      const std::string number = std::to_string(i);
      if (i > 1) text += ",";
      text += "\"n" + number + "\": {\"addresses\": [\"10.0.0." + number +
              "\"], \"macs\": [\"02:00:00:00:00:" + (i < 10 ? "0" : "") + number + "\"]}";
    }
    return "{\"version\": 1, \"vips\": {}, \"nodes\": {" + text + "}}";
  };
  for (const int count : {2, 3, 16}) CHECK(faults_of(nodes(count)).empty());
  for (const int count : {1, 17})
    CHECK(faults_of(nodes(count)) == Lines{"/nodes: found an object of " + std::to_string(count) +
                                           ", allowed is an object of 2 to 16 nodes"});
  CHECK(faults_of(nodes(0)).size() == 1);
}

TEST_CASE("names of nodes and VIPs") {
  const std::string vip =
      R"({"address": "10.0.0.1", "interface": "eth0", "role": "master", "bypass": "none", "services": []})";
  for (const std::string& name : Lines{"a", "9", "web.example", "a_b-c", std::string(63, 'a')})
    CHECK(faults_of(document_with("/vips/" + name, vip)).empty());
  for (const std::string& name : Lines{"-a", ".a", "_a", "a b", "é", "a\"", std::string(64, 'a')}) {
    CAPTURE(name);
    const Lines faults = faults_of(document_with("/vips/" + name, vip));
    REQUIRE(faults.size() == 1);
    CHECK(faults[0].ends_with(
        "allowed is a name of 1 to 63 letters, digits, '.', '_' and '-' that begins with a letter or digit"));
  }
  CHECK(faults_of(document_with("/vips/a~1b", vip))[0].starts_with(
      "/vips/a~1b: found the key \"a/b\""));
  CHECK(faults_of(document_with("/vips/web/role/master", "\"no name\""))[0].starts_with(
      "/vips/web/role/master: found \"no name\", allowed is a name of 1 to 63"));
}

TEST_CASE("sysctls below net, with a value in quotes") {
  for (const std::string name :
       {"net.ipv4.ip_forward", "net.ipv4.conf.eth0~1100.rp_filter", "net.x", "net.-"})
    CHECK(faults_of(document_with("/sysctls/" + name, "\"1\"")).empty());
  for (const std::string name : {"kernel.panic", "net", "net.", "net..x", "net.x.", "net.~1~1.x",
                                 "net.~1", "net.x y", "net~1x", "Net.x", "net.x\\n", "net.é"}) {
    CAPTURE(name);
    const Lines faults = faults_of(document_with("/sysctls/" + name, "\"1\""));
    REQUIRE(faults.size() == 1);
    CHECK(faults[0].starts_with("/sysctls/" + name + ": found the key "));
    CHECK(faults[0].ends_with(
        ", allowed is the name of a sysctl below net, such as \"net.ipv4.ip_forward\""));
  }
  const std::string longest = "\"" + std::string(255, '1') + "\"";
  check_table({"/sysctls/net.x",
               "a string of 1 to 255 printable ASCII characters, not only white space",
               {"\"1\"", "\"4096 87380\"", "\"a\\tb\"", "\" 1\"", longest},
               {"1", "true", "null", "\"\"", "\" \"", "\"1\\n\"", "\"1\\u0000\"", "\"é\""}});
  CHECK(faults_of(document_with("/sysctls/net.x", "\"1" + longest.substr(1))).size() == 1);
}
