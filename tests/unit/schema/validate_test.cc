// Rules that span fields.
#include "schema/validate.h"

#include <doctest/doctest.h>

#include "tests/unit/schema/documents.h"

using namespace twobox;
using namespace twobox::test;

namespace {

/// Changes to the valid document, pointer and value, and what is then at fault.
struct Row {
  std::vector<std::pair<std::string, std::string>> changes;
  Lines want;
};

void check_row(const Row& row) {
  std::string document = valid_document();
  for (const auto& change : row.changes) {
    CAPTURE(change.first);
    CAPTURE(change.second);
    document = with(document, change.first, change.second);
  }
  CAPTURE(document);
  CHECK(faults_of(document) == row.want);
}

const std::string kService = "/vips/web/services/0";
const std::string kServers = "/vips/web/services/0/servers";

}  // namespace

TEST_CASE("the document that all others here are made from is valid") {
  const auto document = read_document(valid_document());
  REQUIRE(std::holds_alternative<ValidDocument>(document));
  CHECK(std::get<ValidDocument>(document)->vips.size() == 2);
  CHECK((*std::get<ValidDocument>(document)).nodes.size() == 2);
}

TEST_CASE("an address stands once in nodes and VIPs together") {
  const std::string allowed = ", allowed is an address that stands nowhere else";
  const Row rows[] = {
      {{{"/nodes/b/addresses/0", "\"172.16.0.31\""}, {"/vips/web/services", "[]"}},
       {"/nodes/b/addresses/0: found 172.16.0.31, which is also at /nodes/a/addresses/0" +
        allowed}},
      {{{"/nodes/a/addresses/1", "\"172.16.0.31\""}, {"/vips/six/services", "[]"}},
       {"/nodes/a/addresses/1: found 172.16.0.31, which is also at /nodes/a/addresses/0" +
        allowed}},
      {{{"/nodes/b/addresses/1", "\"2001:DB8:0::0:31\""}},
       {"/nodes/b/addresses/1: found 2001:db8::31, which is also at /nodes/a/addresses/1" +
        allowed}},
      {{{"/vips/web/address", "\"172.16.0.32/24\""}},
       {"/vips/web/address: found 172.16.0.32, which is also at /nodes/b/addresses/0" + allowed}},
      {{{"/vips/six/address", "\"172.16.0.30/24\""}},
       {"/vips/web/address: found 172.16.0.30, which is also at /vips/six/address" + allowed}},
      {{{"/nodes/a/addresses/2", "\"172.16.0.33\""}}, {}},
  };
  for (const Row& row : rows) check_row(row);
}

TEST_CASE("a MAC address stands once") {
  const std::string allowed = ", allowed is a MAC address that stands nowhere else";
  const Row rows[] = {
      {{{"/nodes/b/macs/0", "\"08-00-27-77-84-EF\""}},
       {"/nodes/b/macs/0: found 08:00:27:77:84:ef, which is also at /nodes/a/macs/0" + allowed}},
      {{{"/nodes/a/macs/1", "\"08:00:27:77:84:EF\""}},
       {"/nodes/a/macs/1: found 08:00:27:77:84:ef, which is also at /nodes/a/macs/0" + allowed}},
      {{{"/nodes/a/macs/1", "\"08:00:27:77:84:ee\""}}, {}},
  };
  for (const Row& row : rows) check_row(row);
}

TEST_CASE("a VIP is neither its network's own address nor its broadcast address") {
  const std::string allowed = "), allowed is the address of one machine in that network";
  const Row rows[] = {
      {{{"/vips/web/address", "\"172.16.0.0/24\""}},
       {"/vips/web/address: found 172.16.0.0/24 (the network's own address" + allowed}},
      {{{"/vips/web/address", "\"172.16.0.255/24\""}},
       {"/vips/web/address: found 172.16.0.255/24 (the network's broadcast address" + allowed}},
      {{{"/vips/web/address", "\"172.16.0.3/30\""}},
       {"/vips/web/address: found 172.16.0.3/30 (the network's broadcast address" + allowed}},
      {{{"/vips/web/address", "\"172.16.0.0/31\""}}, {}},
      {{{"/vips/web/address", "\"172.16.0.255/32\""}}, {}},
      {{{"/vips/web/address", "\"172.16.0.255/16\""}}, {}},
      {{{"/vips/six/address", "\"2001:db8::/64\""}}, {}},
  };
  for (const Row& row : rows) check_row(row);
}

TEST_CASE("named nodes exist") {
  const std::string found = ": found \"c\", allowed is the name of one of the nodes";
  const Row rows[] = {
      {{{"/vips/web/role", R"({"master": "c"})"}}, {"/vips/web/role/master" + found}},
      {{{kServers + "/1", R"({"node": "c"})"}}, {kServers + "/1/node" + found}},
  };
  for (const Row& row : rows) check_row(row);
}

TEST_CASE("a protocol and port stand once in a VIP") {
  const std::string again = R"({"protocol": "tcp", "port": 80, "scheduler": "sh"})";
  const Row rows[] = {
      {{{"/vips/web/services/1", again}},
       {"/vips/web/services/1: found tcp port 80, which is also at /vips/web/services/0, allowed is each "
        "protocol and port once in a VIP"}},
      {{{"/vips/web/services/1", R"({"protocol": "udp", "port": 80})"}}, {}},
      {{{"/vips/web/services/1", R"({"protocol": "tcp", "port": 81})"}}, {}},
      {{{"/vips/six/services/1", again}}, {}},
  };
  for (const Row& row : rows) check_row(row);
}

TEST_CASE("a netmask needs persistence, and one packet UDP") {
  const std::string netmask_fault =
      kService +
      "/persistence_netmask: found a netmask without persistence, allowed is a netmask beside a "
      "\"persistence_timeout\" of 1 or more";
  const Row rows[] = {
      {{{kService + "/persistence_netmask", "24"}}, {netmask_fault}},
      {{{kService + "/persistence_netmask", "24"}, {kService + "/persistence_timeout", "0"}},
       {netmask_fault}},
      {{{kService + "/persistence_netmask", "24"}, {kService + "/persistence_timeout", "1"}}, {}},
      {{{kService + "/one_packet", "true"}},
       {kService +
        "/one_packet: found true with protocol \"tcp\", allowed is true with protocol \"udp\" only"}},
      {{{kService + "/one_packet", "false"}}, {}},
      {{{"/vips/six/services/0/one_packet", "true"}}, {}},
  };
  for (const Row& row : rows) check_row(row);
}

TEST_CASE("an address and port stand once among the servers of a service") {
  const std::string allowed = ", allowed is each address and port once in a service";
  const Row rows[] = {
      {{{kServers + "/2", R"({"node": "a"})"}},
       {kServers + "/2: found 172.16.0.31:80, which is also at " + kServers + "/0" + allowed}},
      {{{kServers + "/2", R"({"address": "172.16.0.31", "port": 80, "weight": 3})"}},
       {kServers + "/2: found 172.16.0.31:80, which is also at " + kServers + "/0" + allowed}},
      {{{kServers + "/2", R"({"node": "a", "port": 81})"}}, {}},
      {{{kServers + "/2", R"({"address": "172.16.0.40"})"}}, {}},
  };
  for (const Row& row : rows) check_row(row);
}

TEST_CASE("thresholds, and the VIP among its servers") {
  const Row rows[] = {
      {{{kServers + "/0/lower_threshold", "1"}},
       {kServers +
        "/0/lower_threshold: found 1, allowed is at most the \"upper_threshold\", here 0"}},
      {{{kServers + "/0/lower_threshold", "2"}, {kServers + "/0/upper_threshold", "2"}}, {}},
      {{{kServers + "/0", R"({"address": "172.16.0.30"})"}},
       {kServers +
        "/0/address: found 172.16.0.30, the VIP itself, allowed is the address of a machine that serves"}},
  };
  for (const Row& row : rows) check_row(row);
}

TEST_CASE("servers have the VIP's family, or a tunnel") {
  const std::string six = R"([{"protocol": "tcp", "port": 80, "servers": [{"node": "b"}]}])";
  const std::string tunnel = R"([{"address": "2001:db8::9", "forwarding": "tunnel"}])";
  const std::string place =
      "/address: found 2001:db8::9 behind an IPv4 VIP, allowed is an IPv4 address";
  const Row rows[] = {
      {{{"/nodes/b/addresses", R"(["172.16.0.32"])"}},
       {"/vips/six/services/0/servers: found nothing, so that every node serves, and no IPv6 address of node "
        "\"b\", allowed is a list of servers, or an IPv6 address for each node"}},
      {{{"/nodes/b/addresses", R"(["172.16.0.32"])"}, {"/vips/six/services", six}},
       {"/vips/six/services/0/servers/0/node: found \"b\", a node without an IPv6 address, allowed is a node "
        "with one, as the VIP's is"}},
      {{{kServers, R"([{"address": "2001:db8::9"}])"}},
       {kServers + "/0" + place + ", or forwarding \"tunnel\""}},
      {{{kServers, R"([{"address": "2001:db8::9", "forwarding": "masquerade"}])"}},
       {kServers + "/0" + place + ", or forwarding \"tunnel\""}},
      {{{kServers, tunnel}}, {}},
      {{{kServers, tunnel}, {"/sync", R"({"interface": "eth1"})"}},
       {kServers + "/0" + place + ", since the document has \"sync\""}},
  };
  for (const Row& row : rows) check_row(row);
}

TEST_CASE("marks go with mac-mark, and it with them") {
  const Row rows[] = {
      {{{kService + "/mark", "3"}},
       {kService +
        "/mark: found a mark with bypass \"redirect\", allowed is a mark with bypass \"mac-mark\" only"}},
      {{{"/vips/web/bypass", "\"mac-mark\""}},
       {kService +
        "/mark: found nothing, allowed is a mark, since the VIP's bypass is \"mac-mark\""}},
      {{{"/vips/web/bypass", "\"mac-mark\""}, {kService + "/mark", "3"}}, {}},
      {{{"/vips/web/bypass", "\"mac-mark\""}, {kService + "/mark", R"({"a": 3, "b": 3})"}}, {}},
      {{{"/vips/web/bypass", "\"mac-mark\""}, {kService + "/mark", R"({"a": 3})"}},
       {kService + "/mark/b: found nothing, allowed is a mark for each node"}},
      {{{"/vips/web/bypass", "\"mac-mark\""}, {kService + "/mark", R"({"a": 3, "b": 4, "c": 5})"}},
       {kService + "/mark/c: found \"c\", allowed is the name of one of the nodes"}},
  };
  for (const Row& row : rows) check_row(row);
}

TEST_CASE("a mark stands once on a node, whatever the VIP and protocol") {
  const auto row = [](const std::string& first, const std::string& second, Lines want) {
    return Row{{{"/vips/web/bypass", "\"mac-mark\""},
                {"/vips/six/bypass", "\"mac-mark\""},
                {"/vips/six/services/0/mark", first},
                {"/vips/web/services/0/mark", second}},
               std::move(want)};
  };
  const std::string allowed = ", allowed is a mark that no other service of the node has";
  const Row rows[] = {
      row("3", "4", {}),
      row("3", "3",
          {"/vips/web/services/0/mark: found 3, which is also at /vips/six/services/0/mark" +
           allowed}),
      row("3", R"({"a": 4, "b": 3})",
          {"/vips/web/services/0/mark/b: found 3, which is also at /vips/six/services/0/mark" +
           allowed}),
      row(R"({"a": 3, "b": 4})", R"({"a": 4, "b": 3})", {}),
      row(R"({"a": 3, "b": 4})", R"({"a": 5, "b": 4})",
          {"/vips/web/services/0/mark/b: found 4, which is also at /vips/six/services/0/mark/b" +
           allowed}),
  };
  for (const Row& each : rows) check_row(each);
}

TEST_CASE("backup-only needs sync and one role for all") {
  const std::string sync = R"({"interface": "eth1"})";
  const std::string because =
      ", whose bypass \"backup-only\" switches off IPVS for all VIPs at once, allowed is one role for all "
      "VIPs beside bypass \"backup-only\"";
  const Row rows[] = {
      {{{"/vips/web/bypass", "\"backup-only\""}, {"/vips/web/role", "\"backup\""}},
       {"/vips/web/bypass: found \"backup-only\" in a document without \"sync\", allowed is another bypass, or "
        "a document with \"sync\""}},
      {{{"/vips/six/bypass", "\"backup-only\""}, {"/sync", sync}},
       {"/vips/web/role: found a role other than that of VIP \"six\"" + because}},
      {{{"/vips/web/bypass", "\"backup-only\""}, {"/sync", sync}},
       {"/vips/six/role: found a role other than that of VIP \"web\"" + because}},
      {{{"/vips/web/bypass", "\"backup-only\""},
        {"/vips/six/bypass", "\"backup-only\""},
        {"/sync", sync}},
       {"/vips/web/role: found a role other than that of VIP \"six\"" + because}},
      {{{"/vips/web/bypass", "\"backup-only\""}, {"/vips/web/role", "\"backup\""}, {"/sync", sync}},
       {}},
      {{{"/vips/web/bypass", "\"backup-only\""},
        {"/vips/six/role", R"({"master": "a"})"},
        {"/sync", sync}},
       {}},
  };
  for (const Row& row : rows) check_row(row);
}

TEST_CASE("a sysctl that a bypass needs can't be held at something else") {
  const std::string mark = R"([{"protocol": "tcp", "port": 80, "mark": 3}])";
  const Row rows[] = {
      {{{"/vips/web/bypass", "\"mac-mark\""},
        {"/vips/web/services", mark},
        {"/sysctls/net.ipv4.conf.enp0s3.arp_ignore", "\"0\""},
        {"/sysctls/net.ipv4.conf.enp0s3.arp_announce", "\"2\""}},
       {"/sysctls/net.ipv4.conf.enp0s3.arp_ignore: found \"0\", allowed is \"1\", which bypass "
        "\"mac-mark\" of VIP \"web\" needs, or nothing"}},
      {{{"/sysctls/net.ipv4.conf.enp0s3.arp_ignore", "\"0\""}}, {}},
  };
  for (const Row& row : rows) check_row(row);
}
