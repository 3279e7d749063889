#include "reconciler/import_keepalived.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "reconciler/keepalived_config.h"
#include "schema/document_json.h"
#include "schema/validate.h"
#include "tests/unit/reconciler/keepalived_imports.h"
#include "tests/unit/schema/documents.h"

using namespace twobox;
using namespace twobox::test;

namespace {

Document example(const std::string& name) {
  std::ifstream file(std::string(TWOBOX_SOURCE_DIR) + "/schema/examples/" + name);
  REQUIRE(file);
  auto document = parse_document(std::string(std::istreambuf_iterator<char>(file), {}));
  REQUIRE(std::holds_alternative<Document>(document));
  return std::get<Document>(std::move(document));
}

}  // namespace

TEST_CASE("the reference set-up becomes the document that it is") {
  const Import import = import_of(reference(
      "  delay_loop 30\n  persistence_timeout 0",
      "    weight 1\n    TCP_CHECK {\n      connect_timeout 3\n      connect_port 80\n    }"));
  CHECK(test::faults_of(document_json(import.document)) == Lines{});
  Document wanted = example("two-box-redirect.json");
  CHECK(import.document.nodes == wanted.nodes);
  const Vip& vip = import.document.vips.at("vip-1");
  CHECK(vip.address == wanted.vips.at("web").address);
  CHECK(vip.interface == wanted.vips.at("web").interface);
  CHECK(vip.role == RoleSource(FollowAddress{}));
  const Service& service = only_service(import);
  CHECK(service.scheduler == "rr");
  CHECK_FALSE(service.servers);
  REQUIRE(service.check);
  CHECK(service.check->interval == std::chrono::seconds(30));
  CHECK(service.check->connect_timeout == std::chrono::seconds(3));
  CHECK(service.check->rise == 1);
  CHECK(service.check->fall == 2);
  CHECK_FALSE(service.check->port);
}

TEST_CASE("what is said of the reference set-up") {
  CHECK(import_of(reference()).notes ==
        Lines{"k:1: vrrp_instance VI_1: stays keepalived's: state, interface, virtual_router_id, "
              "priority",
              "k:7: 172.16.0.30: the file says nothing that keeps a backup from balancing again "
              "what the master sent it; bypass is \"none\" until you choose one",
              "keepalived must leave IPVS to twobox: start it with -P (VRRP alone), or take its "
              "virtual_servers out"});
}

TEST_CASE("without MACs the document names each that is missing") {
  const Import import = import_of(reference(), {});
  const Lines faults = test::faults_of(document_json(import.document));
  REQUIRE(faults.size() == 2);
  CHECK(faults[0].starts_with("/nodes/a/macs: "));
  CHECK(faults[1].starts_with("/nodes/b/macs: "));
}

TEST_CASE("a notify script that flips the bypass becomes redirect") {
  std::string text = reference();
  text.insert(text.find("  state"),
              "  notify_backup \"/etc/keepalived/bypass_ipvs.sh add 172.16.0.30\"\n"
              "  notify_master /usr/bin/mail\n");
  const Import import = import_of(text);
  CHECK(import.document.vips.at("vip-1").bypass == Bypass::kRedirect);
  CHECK(has_note(import, "2", "taken for what flips the bypass"));
  CHECK(has_note(import, "3", "twobox runs no notify scripts"));
}

TEST_CASE("a mark stands for the only VIP, and is presumed to") {
  const Import import = import_of(reference("", "", "fwmark 3"));
  CHECK(import.document.vips.at("vip-1").bypass == Bypass::kMacMark);
  CHECK(only_service(import).mark == Mark(3U));
  CHECK(only_service(import).port.host_order() == 80);
  CHECK(has_note(import, "10", "mark 3: presumed to stand for 172.16.0.30:80"));
  CHECK(test::faults_of(document_json(import.document)) == Lines{});
}

TEST_CASE("the peer's mark beside one's own is left out") {
  const std::string one = reference("", "", "fwmark 3");
  const std::string two = reference("", "", "fwmark 4");
  const Import import = import_of(one + two.substr(std::string(kInstance).size()));
  CHECK(only_service(import).mark == Mark(3U));
  CHECK(has_note(import, "22", "mark 4: taken for another node's"));
}

TEST_CASE("a mark that may stand for several VIPs is left out") {
  std::string text = reference("", "", "fwmark 3");
  text.insert(text.find("    172.16.0.30\n"), "    172.16.0.29\n");
  const Import import = import_of(text);
  CHECK(import.document.vips.at("vip-2").services.empty());
  CHECK(has_note(import, "11", "does not say which VIP"));
}

TEST_CASE("directors that talk by unicast are the nodes") {
  std::string text = reference();
  text.insert(text.find("  state"),
              "  unicast_src_ip 172.16.0.11\n  unicast_peer {\n"
              "    172.16.0.12\n  }\n");
  const Import import = import_of(text, {});
  REQUIRE(import.document.nodes.size() == 2);
  CHECK(import.document.nodes.at("a").addresses.front().to_string() == "172.16.0.11");
  CHECK(import.document.nodes.at("b").addresses.front().to_string() == "172.16.0.12");
  REQUIRE(only_service(import).servers);
  CHECK(std::holds_alternative<IpAddress>(only_service(import).servers->front().target));
}

TEST_CASE("addresses with one MAC are one node") {
  std::string text = reference();
  text.replace(text.find("172.16.0.32"), 11, "172.16.0.33");
  MacsByAddress macs = kMacs;
  macs.emplace(*IpAddress::parse("172.16.0.33"), macs.at(*IpAddress::parse("172.16.0.31")));
  CHECK(import_of(text, macs).document.nodes.at("a").addresses.size() == 2);
}

TEST_CASE("what stands beside VRRP and virtual servers") {
  const Import import = import_of(R"(global_defs {
  router_id a
  notification_email {
    root@localhost
  }
  lvs_sync_daemon enp0s3 VI_1 id 7 maxlen 1400 port 8849 ttl 2 group 224.0.0.90
  lvs_timeouts tcp 100 tcpfin 20 udp 30
  lvs_flush
}
vrrp_script x {
  script /bin/true
}
@other include x
)" + reference());
  REQUIRE(import.document.sync);
  CHECK(*import.document.sync == Sync{*InterfaceName::parse("enp0s3"), 7, 1400,
                                      *IpAddress::parse("224.0.0.90"), *Port::from_number(8849),
                                      2});
  CHECK(import.document.timeouts == Timeouts{100, 20, 30});
  CHECK(has_note(import, "1", "global_defs: stays keepalived's: router_id, notification_email"));
  CHECK(has_note(import, "8", "lvs_flush"));
  CHECK(has_note(import, "10", "vrrp_script: stays keepalived's: script"));
  CHECK(has_note(import, "13", "only keepalived itself can tell"));
}

TEST_CASE("a sync daemon without an instance is said") {
  const Import import =
      import_of("global_defs {\n lvs_sync_daemon enp0s3 id 300\n}\n" + reference());
  CHECK(has_note(import, "2", "runs both daemons always"));
  CHECK(has_note(import, "2", "id 300"));
}

TEST_CASE("groups of addresses and marks") {
  const Import import =
      import_of(std::string(kInstance) + R"(virtual_server_group web {
  172.16.0.30 80
  172.16.0.30 443
  172.16.0.30-32 80
}
)" +
                std::string("virtual_server group web {\n lb_kind DR\n real_server 172.16.0.31 80\n"
                            " real_server 172.16.0.32 80\n}\nvirtual_server group none {\n}\n"));
  const auto& services = import.document.vips.at("vip-1").services;
  REQUIRE(services.size() == 2);
  CHECK(services[1].port.host_order() == 443);
  CHECK(has_note(import, "13", "one address and a port"));
  CHECK(has_note(import, "20", "group none"));
}

TEST_CASE("a VIP that no instance moves needs an interface") {
  std::string text = reference();
  text.erase(0, std::string(kInstance).size());
  const Import import = import_of(text);
  CHECK(has_note(import, "1", "no vrrp_instance has it"));
  const Lines faults = test::faults_of(document_json(import.document));
  REQUIRE(faults.size() == 1);
  CHECK(faults[0].starts_with("/vips/vip-1/interface: "));
}

TEST_CASE("what render prints comes back") {
  for (const char* name :
       {"two-box-redirect.json", "two-box-ipv6.json", "two-vips.json", "article-tcp-check.json"}) {
    CAPTURE(name);
    Document document = example(name);
    const bool by_fifo = std::string(name).starts_with("article");
    for (auto& [vip_name, vip] : document.vips)
      if (!by_fifo) vip.role = FollowAddress{};
    const auto text = keepalived_config(document, "a");
    REQUIRE(text);
    const Import import = import_of(*text);
    CHECK(import.document.vips.size() == document.vips.size());
    for (const auto& named_vip : document.vips) {
      const Vip& vip = named_vip.second;
      const auto found = std::ranges::find_if(import.document.vips, [&](const auto& entry) {
        return entry.second.address == vip.address;
      });
      REQUIRE(found != import.document.vips.end());
      CHECK(found->second.interface == vip.interface);
      CHECK(found->second.role == vip.role);
    }
  }
}
