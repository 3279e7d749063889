// Judgements of addresses, sysctls, sizes, other services and modules.
#include "tests/unit/reconciler/doctor_patient.h"

using namespace twobox;
using namespace twobox::testing;

namespace {

nlohmann::json parked() {
  return reference_document({{"/vips/web/bypass", "mac-mark"}, {"/vips/web/services/0/mark", 3}});
}

/// b serves by tunnel.
nlohmann::json tunnelled() {
  return reference_document({{"/vips/web/services/0/servers",
                              {{{"node", "a"}}, {{"node", "b"}, {"forwarding", "tunnel"}}}}});
}

std::vector<ConfigLine> lines(std::initializer_list<const char*> texts) {
  std::vector<ConfigLine> found;
  for (const char* text : texts) found.push_back({"/etc/x.conf", found.size() + 1, text});
  return found;
}

std::vector<KeepalivedLine> keepalived(const std::string& text) {
  auto lines = read_keepalived({"/etc/x.conf", text}, nullptr);
  REQUIRE(lines);
  return *std::move(lines);
}

}  // namespace

TEST_CASE("backup-answers-arp: the VIP on lo, by the larger of both values") {
  Patient backup(parked(), "b");
  backup.add_address("lo", "172.16.0.30/32");
  CHECK(backup.verdict("backup-answers-arp") ==
        "web: 172.16.0.30 is on lo of b, which is backup, and ARP for it is answered: arp_ignore "
        "is 0 (all 0, enp0s3 0), and ARP requests name it: arp_announce is 0 (all 0, enp0s3 0) | "
        "sysctl -w net.ipv4.conf.enp0s3.arp_ignore=1 net.ipv4.conf.enp0s3.arp_announce=2");
  backup.set_sysctl("net.ipv4.conf.enp0s3.arp_ignore", "1");
  backup.set_sysctl("net.ipv4.conf.all.arp_announce", "1");
  CHECK(backup.verdict("backup-answers-arp") ==
        "web: 172.16.0.30 is on lo of b, which is backup, and ARP requests name it: arp_announce "
        "is 1 (all 1, enp0s3 0) | sysctl -w net.ipv4.conf.enp0s3.arp_announce=2");
  backup.set_sysctl("net.ipv4.conf.all.arp_announce", "2");
  CHECK(backup.verdict("backup-answers-arp") == "");
  backup.set_sysctl("net.ipv4.conf.all.arp_ignore", "3");  // depends on the address's scope
  CHECK(backup.verdict("backup-answers-arp") != "");
}

TEST_CASE("backup-answers-arp: the VIP on the wire, whatever the sysctls") {
  Patient backup(reference_document(), "b");
  backup.set_sysctl("net.ipv4.conf.enp0s3.arp_ignore", "1");
  backup.add_address("enp0s3", "172.16.0.30/24");
  CHECK(backup.verdict("backup-answers-arp") ==
        "web: 172.16.0.30 is on enp0s3 of b, which is backup | ip address delete 172.16.0.30/24 "
        "dev enp0s3");
  backup.facts.roles.at("web").role = Role::kMaster;
  CHECK(backup.verdict("backup-answers-arp") == "");
}

TEST_CASE("backup-answers-arp: IPv6 answers for no other interface's address") {
  Patient backup(reference_document({{"/nodes/a/addresses", {"fd00::31"}},
                                     {"/nodes/b/addresses", {"fd00::32"}},
                                     {"/vips/web/address", "fd00::30"}}),
                 "b");
  backup.add_address("lo", "fd00::30/128");
  CHECK(backup.verdict("backup-answers-arp") == "");
  backup.add_address("enp0s3", "fd00::30/128");
  CHECK(backup.verdict("backup-answers-arp") ==
        "web: fd00::30 is on enp0s3 of b, which is backup | ip address delete fd00::30/128 dev "
        "enp0s3");
}

TEST_CASE("backup-answers-arp: values that can't be read") {
  Patient backup(parked(), "b");
  backup.add_address("lo", "172.16.0.30/32");
  backup.facts.kernel->kernel.sysctls.erase({"net.ipv4.conf.all.arp_ignore"});
  CHECK(backup.verdict("backup-answers-arp") ==
        "skipped arp_ignore of enp0s3 or of conf/all can't be read");
  backup.facts.kernel = kUnreadable;
  CHECK(backup.verdict("backup-answers-arp") == "skipped read it: Permission denied");
}

TEST_CASE("all-overrides-interface: a value that is held, and one that silences the master") {
  Patient held(parked());
  held.set_sysctl("net.ipv4.conf.all.arp_ignore", "2");
  CHECK(held.verdict("all-overrides-interface") ==
        "arp_ignore is 2 (all 2, enp0s3 0); the document holds enp0s3 at 1 | sysctl -w "
        "net.ipv4.conf.all.arp_ignore=1");
  held.set_sysctl("net.ipv4.conf.all.arp_ignore", "1");
  CHECK(held.verdict("all-overrides-interface") == "");

  Patient free;
  free.set_sysctl("net.ipv4.conf.all.arp_announce", "2");
  free.set_sysctl("net.ipv4.conf.all.arp_ignore", "1");
  free.set_sysctl("net.ipv4.conf.all.rp_filter", "1");
  CHECK(free.verdict("all-overrides-interface") == "");
  free.set_sysctl("net.ipv4.conf.all.arp_ignore", "3");
  CHECK(free.verdict("all-overrides-interface") == "");
  free.set_sysctl("net.ipv4.conf.all.arp_ignore", "2");
  CHECK(free.verdict("all-overrides-interface") ==
        "arp_ignore is 2 (all 2, enp0s3 0); a master does not answer for its VIP | sysctl -w "
        "net.ipv4.conf.all.arp_ignore=0");
  Patient wide(reference_document({{"/vips/web/address", "172.16.0.30/24"}}));
  wide.set_sysctl("net.ipv4.conf.all.arp_ignore", "2");
  CHECK(wide.verdict("all-overrides-interface") == "");
  wide.set_sysctl("net.ipv4.conf.all.arp_ignore", "8");
  CHECK(wide.verdict("all-overrides-interface") != "");
}

TEST_CASE("all-overrides-interface: a sysctl of the document") {
  Patient patient(reference_document({{"/sysctls", {{"net.ipv4.conf.enp0s3.rp_filter", "0"}}}}));
  patient.set_sysctl("net.ipv4.conf.all.rp_filter", "1");
  CHECK(patient.verdict("all-overrides-interface") ==
        "rp_filter is 1 (all 1, enp0s3 0); the document holds enp0s3 at 0 | sysctl -w "
        "net.ipv4.conf.all.rp_filter=0");
  patient.facts.kernel->kernel.sysctls.clear();
  CHECK(patient.verdict("all-overrides-interface")
            .starts_with("skipped arp_ignore of enp0s3 or of conf/all can't be read\n"));
}

TEST_CASE("reverse-path-filter: strict, and the way out is another") {
  Patient patient;
  patient.set_sysctl("net.ipv4.conf.all.rp_filter", "1");
  CHECK(patient.verdict("reverse-path-filter") == "");
  patient.facts.ipv4_default_route = std::optional(interface_named("eth9"));
  CHECK(patient.verdict("reverse-path-filter") ==
        "rp_filter is 1 (all 1, enp0s3 0), strict: web comes in by enp0s3, and answers leave by "
        "eth9, which has the default route | sysctl -w net.ipv4.conf.enp0s3.rp_filter=2");
  patient.set_sysctl("net.ipv4.conf.enp0s3.rp_filter", "2");
  CHECK(patient.verdict("reverse-path-filter") == "");
  patient.facts.ipv4_default_route = std::optional<InterfaceName>();
  CHECK(patient.verdict("reverse-path-filter") == "");
  patient.facts.ipv4_default_route = kUnreadable;
  CHECK(patient.verdict("reverse-path-filter") == "skipped read it: Permission denied");
}

TEST_CASE("reverse-path-filter: what comes out of a tunnel") {
  Patient server(tunnelled(), "b");
  server.facts.interfaces->emplace(interface_named("tunl0"), InterfaceShape{1480, true});
  CHECK(server.verdict("reverse-path-filter") == "");
  server.set_sysctl("net.ipv4.conf.tunl0.rp_filter", "1");
  CHECK(server.verdict("reverse-path-filter") ==
        "rp_filter is 1 (all 0, tunl0 1), strict: web comes out of the tunnel, and answers do not "
        "leave by it | sysctl -w net.ipv4.conf.tunl0.rp_filter=2");
  Patient director(tunnelled(), "a");
  director.facts.interfaces = server.facts.interfaces;
  director.set_sysctl("net.ipv4.conf.tunl0.rp_filter", "1");
  CHECK(director.verdict("reverse-path-filter") == "");
  server.facts.interfaces = kUnreadable;
  CHECK(server.verdict("reverse-path-filter") == "skipped read it: Permission denied");
}

TEST_CASE("tunnel-mtu: what a packet of the usual size becomes") {
  Patient director(tunnelled(), "a");
  CHECK(director.verdict("tunnel-mtu") ==
        "web: enp0s3 has an MTU of 1500; a packet of 1500 bytes has 1520 in the tunnel | ip link "
        "set dev enp0s3 mtu 1520, where the network carries it; or on the servers: nft add rule "
        "inet filter output tcp flags syn tcp option maxseg size set 1440");
  director.facts.interfaces->at(kWire).mtu = 1520;
  CHECK(director.verdict("tunnel-mtu") == "");
  director.facts.interfaces->clear();
  CHECK(director.verdict("tunnel-mtu") == "skipped enp0s3 does not exist");
  director.facts.interfaces = kUnreadable;
  CHECK(director.verdict("tunnel-mtu") == "skipped read it: Permission denied");
  CHECK(Patient(tunnelled(), "b").verdict("tunnel-mtu") == "");  // it sends into none itself
}

TEST_CASE("network-service-strips-vip: who, by which file") {
  Patient patient;
  auto& keeper = patient.facts.keepers.at(kWire);
  keeper =
      std::optional(AddressKeeper{AddressKeeper::Service::kNetworkd, "/run/systemd/netif/links/2",
                                  "/usr/lib/systemd/network/10-wire.network"});
  CHECK(patient.verdict("network-service-strips-vip") ==
        "systemd-networkd configures enp0s3 by /usr/lib/systemd/network/10-wire.network without "
        "KeepConfiguration=static, says /run/systemd/netif/links/2 | mkdir -p "
        "/etc/systemd/network/10-wire.network.d && printf "
        "'[Network]\\nKeepConfiguration=static\\n' "
        ">/etc/systemd/network/10-wire.network.d/twobox.conf && networkctl reload");
  keeper = std::optional(
      AddressKeeper{AddressKeeper::Service::kNetworkManager, "/run/NetworkManager/devices/2", ""});
  CHECK(patient.verdict("network-service-strips-vip")
            .starts_with("NetworkManager has a connection active on enp0s3, says "
                         "/run/NetworkManager/devices/2 | nmcli device set enp0s3 managed no;"));
  keeper = kUnreadable;
  CHECK(patient.verdict("network-service-strips-vip") == "skipped read it: Permission denied");
}

TEST_CASE("nftables-reload-flushes: only what is loaded, and only what is ours") {
  Patient patient;
  const auto verdict_of = [&](std::initializer_list<const char*> texts) {
    patient.facts.nftables = NftablesService{true, lines(texts)};
    return patient.verdict("nftables-reload-flushes");
  };
  CHECK(verdict_of({"flush ruleset", "table inet filter {"}) ==
        "nftables.service is enabled, and /etc/x.conf:1: flush ruleset | sed -i '1s/flush"
        "[[:space:]]*ruleset;*/table inet filter; delete table inet filter; /' /etc/x.conf");
  CHECK(
      verdict_of({"flush ruleset", "table filter {", "table ip6 nat {"})
          .ends_with("/table filter; delete table filter; table ip6 nat; delete table ip6 nat; /' "
                     "/etc/x.conf"));
  CHECK(verdict_of({"table ip x; flush ruleset; table ip y {"}) != "");
  CHECK(verdict_of({"flush ruleset inet"}) != "");
  CHECK(verdict_of({"flush ruleset ip"}) == "");
  CHECK(verdict_of({"flush table inet filter", "ruleset"}) == "");
  patient.facts.nftables = NftablesService{false, lines({"flush ruleset"})};
  CHECK(patient.verdict("nftables-reload-flushes") == "");
  patient.facts.nftables = kUnreadable;
  CHECK(patient.verdict("nftables-reload-flushes") == "skipped read it: Permission denied");
}

TEST_CASE("keepalived-owns-ipvs: its words") {
  Patient patient;
  patient.facts.keepalived = keepalived(
      "vrrp_instance VI_1 {\n lvs_sync_daemon eth0 VI_1\n}\n"
      "# virtual_server 172.16.0.30 80\n");
  CHECK(patient.verdict("keepalived-owns-ipvs") == "");
  patient.facts.keepalived = keepalived(
      "global_defs { lvs_flush }\n"
      "@main virtual_server 172.16.0.30 80 {\n protocol TCP\n}\n");
  CHECK(patient.verdict("keepalived-owns-ipvs") ==
        "/etc/x.conf:1: lvs_flush | take it out of /etc/x.conf, then: systemctl reload "
        "keepalived\n"
        "/etc/x.conf:2: @main virtual_server 172.16.0.30 80 | take it out of /etc/x.conf, then: "
        "systemctl reload keepalived");
  patient.facts.keepalived = kUnreadable;
  CHECK(patient.verdict("keepalived-owns-ipvs") == "skipped read it: Permission denied");
}

TEST_CASE("keepalived-owns-ipvs: a file that is also included is named once") {
  Patient patient;
  patient.facts.keepalived = keepalived("virtual_server 172.16.0.30 80 {\n}\n");
  patient.facts.keepalived->push_back(patient.facts.keepalived->front());
  CHECK(patient.verdict("keepalived-owns-ipvs") ==
        "/etc/x.conf:1: virtual_server 172.16.0.30 80 | take it out of /etc/x.conf, then: "
        "systemctl reload keepalived");
}

TEST_CASE("module-missing: IPVS and each scheduler") {
  Patient patient(reference_document({{"/vips/web/services/0/scheduler", "mh"}}));
  CHECK(doctor_modules(*valid(reference_document())) ==
        std::set<std::string>{"ip_vs", "ip_vs_wlc"});
  patient.facts.modules.at("ip_vs_mh") = false;
  CHECK(patient.verdict("module-missing")
            .starts_with("ip_vs_mh is neither loaded nor built in, and has no file below "
                         "/lib/modules | apt install "));
  patient.facts.modules.at("ip_vs_mh") = kUnreadable;
  CHECK(patient.verdict("module-missing") == "skipped read it: Permission denied");
}
