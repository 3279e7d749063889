#include "backends/system/services.h"

#include "backends/system/keepalived_files.h"
#include "tests/unit/system/root.h"

using namespace twobox;
using namespace twobox::testing;

namespace {

constexpr const char* kLink = "/run/systemd/netif/links/2";
constexpr const char* kNetwork = "/etc/systemd/network/10-wire.network";
constexpr const char* kDevice = "/run/NetworkManager/devices/2";

std::string configured(const std::string& drop_ins = "") {
  return "# This is private data. Do not parse.\nADMIN_STATE=configured\nNETWORK_FILE=" +
         std::string(kNetwork) + "\nNETWORK_FILE_DROPINS=\"" + drop_ins + "\"\n";
}

}  // namespace

TEST_CASE("nobody keeps an interface that no service knows") {
  const Root root;
  CHECK(*address_keeper(root.str(), 2) == std::nullopt);
  root.write(kLink, "ADMIN_STATE=unmanaged\n");
  root.write(kDevice, "[device]\nmanaged=false\n");
  CHECK(*address_keeper(root.str(), 2) == std::nullopt);
}

TEST_CASE("networkd keeps what it configures, unless it is told to keep what it finds") {
  const Root root;
  root.write(kLink, configured());
  root.write(kNetwork, "[Match]\nName=enp0s3\n[Network]\n#KeepConfiguration=static\n");
  CHECK(*address_keeper(root.str(), 2) ==
        AddressKeeper{AddressKeeper::Service::kNetworkd, kLink, kNetwork});
  CHECK(*address_keeper(root.str(), 3) == std::nullopt);
  for (const char* keeping : {"static", "yes", "true", "1"}) {
    root.write(kNetwork, "[Network]\nKeepConfiguration = " + std::string(keeping) + "\n");
    CHECK(*address_keeper(root.str(), 2) == std::nullopt);
  }
  for (const char* stripping : {"no", "dhcp", "dynamic-on-stop"}) {
    root.write(kNetwork, "[Network]\nKeepConfiguration=" + std::string(stripping) + "\n");
    CHECK(address_keeper(root.str(), 2)->has_value());
  }
}

TEST_CASE("networkd's last drop-in decides") {
  const Root root;
  root.write(kLink, configured("/etc/d/1.conf:/etc/d/2.conf"));
  root.write(kNetwork, "[Network]\n");
  root.write("/etc/d/1.conf", "[Network]\nKeepConfiguration=no\n");
  root.write("/etc/d/2.conf", "[Network]\nKeepConfiguration=yes\n");
  CHECK(*address_keeper(root.str(), 2) == std::nullopt);
  root.write(kLink, configured("/etc/d/1.conf"));
  CHECK(address_keeper(root.str(), 2)->has_value());
}

TEST_CASE("NetworkManager keeps an interface with a connection of its own") {
  const Root root;
  root.write(kDevice, "[device]\nmanaged=true\n");
  CHECK(*address_keeper(root.str(), 2) == std::nullopt);
  root.write(kDevice, "[device]\nmanaged=true\nconnection-uuid=1b2c\n");
  CHECK(*address_keeper(root.str(), 2) ==
        AddressKeeper{AddressKeeper::Service::kNetworkManager, kDevice, ""});
}

TEST_CASE("a service's files that can't be read are an error") {
  const Root root;
  root.make_directory(kDevice);
  CHECK_FALSE(address_keeper(root.str(), 2));
  root.write(kLink, configured());
  root.make_directory(kNetwork);
  CHECK_FALSE(address_keeper(root.str(), 2));
}

TEST_CASE("nftables.service counts once it is enabled") {
  const Root root;
  root.write("/etc/nftables.conf", "#!/usr/sbin/nft -f\nflush ruleset # all\n");
  CHECK_FALSE(nftables_service(root.str())->enabled);
  CHECK(nftables_service(root.str())->lines.empty());
  // A unit's link leads out of the test's root.
  std::filesystem::create_directories(root.str() + "/etc/systemd/system/sysinit.target.wants");
  std::filesystem::create_symlink(
      "/nowhere/nftables.service",
      root.str() + "/etc/systemd/system/sysinit.target.wants/nftables.service");
  const auto service = nftables_service(root.str());
  REQUIRE(service);
  CHECK(service->enabled);
  CHECK(service->lines == std::vector<ConfigLine>{{"/etc/nftables.conf", 2, "flush ruleset"}});
  root.make_directory("/etc/sysconfig/nftables.conf");
  CHECK_FALSE(nftables_service(root.str()));
}

TEST_CASE("keepalived's lines, with their includes") {
  const Root root;
  CHECK(keepalived_lines(root.str())->empty());
  root.write("/etc/keepalived/keepalived.conf", "include conf.d/web\n! virtual_server 1 {\n");
  root.write("/etc/keepalived/conf.d/web", "virtual_server 172.16.0.30 80 {\n");
  const auto lines = keepalived_lines(root.str());
  REQUIRE(lines);
  REQUIRE(lines->size() == 2);
  CHECK(lines->back() ==
        ConfigLine{"/etc/keepalived/conf.d/web", 1, "virtual_server 172.16.0.30 80 {"});
}

TEST_CASE("keepalived's configuration, with what it includes") {
  const Root root;
  CHECK(keepalived_configuration(root.str())->empty());
  root.write("/etc/keepalived/keepalived.conf", "include conf.d/web\nglobal_defs {\n}\n");
  root.write("/etc/keepalived/conf.d/web", "virtual_server 172.16.0.30 80 { lb_kind DR }\n");
  const auto lines = keepalived_configuration(root.str());
  REQUIRE(lines);
  REQUIRE(lines->size() == 2);
  CHECK(lines->front().place == "/etc/keepalived/conf.d/web:1");
  CHECK(lines->front().block.size() == 1);
  root.write("/etc/keepalived/torn.conf", "virtual_server 172.16.0.30 80 {\n");
  const auto torn = keepalived_configuration(root.str());
  REQUIRE_FALSE(torn);
  CHECK(torn.error().message.starts_with("/etc/keepalived/torn.conf:1: "));
}
