// Other people's rules that mark or redirect, as nft and iptables-nft write them.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "backends/nftables/foreign_bypass.h"
#include "tests/kernel/nftables_support.h"

namespace twobox::nft_test {
namespace {

const std::set<MacAddress> kPeer = {mac("08:00:27:e1:3c:c5")};

ForeignBypasses read() {
  auto found = nftables::read_foreign_bypasses();
  REQUIRE_MESSAGE(found.has_value(), (found ? "" : found.error().message));
  return *std::move(found);
}

ForeignBypasses read_all(const std::string& rules, const std::string& family = "ip") {
  const Nftables nftables;
  nft("table " + family +
      " t { set peers { type ether_addr; }; map marks { type ipv4_addr : mark; };\n"
      "chain pre { type nat hook prerouting priority -101;\n" +
      rules + "\n}\n}");
  return read();
}

std::vector<ForeignBypass> read_rules(const std::string& rules, const std::string& family = "ip") {
  ForeignBypasses found = read_all(rules, family);
  CHECK(found.unread.empty());
  return std::move(found.read);
}

ForeignBypass bypass(const std::string& place, std::optional<std::uint32_t> mark,
                     const std::set<MacAddress>& not_from = {}) {
  return {place, ip("172.16.0.30"), Protocol::kTcp, *Port::from_number(80), mark, not_from};
}

TEST_CASE("a mark unless the peer sent it") {
  const auto expected = std::vector{bypass("inet t pre", 3, kPeer)};
  CHECK(read_rules("ether saddr != 08:00:27:e1:3c:c5 ip daddr 172.16.0.30 tcp dport 80 counter "
                   "meta mark set 3",
                   "inet") == expected);
  CHECK(read_rules("ip daddr 172.16.0.30 ether saddr != 08:00:27:e1:3c:c5 tcp dport 80 "
                   "meta mark set 0x3",
                   "inet") == expected);
}

TEST_CASE("redirects, in three families") {
  CHECK(read_rules("ip daddr 172.16.0.30 tcp dport 80 redirect") ==
        std::vector{bypass("ip t pre", {})});
  CHECK(read_rules("ip daddr 172.16.0.30 tcp dport 80 redirect", "inet") ==
        std::vector{bypass("inet t pre", {})});
  const auto ipv6 = read_rules("ip6 daddr fd00::30 udp dport 53 redirect", "ip6");
  REQUIRE(ipv6.size() == 1);
  CHECK(ipv6[0].address == ip("fd00::30"));
  CHECK(ipv6[0].protocol == Protocol::kUdp);
  CHECK(ipv6[0].port == *Port::from_number(53));
}

TEST_CASE("rules of other kinds are left out") {
  for (const char* rule :
       {"ip daddr 172.16.0.30 tcp dport 80 redirect to :8080", "tcp dport 80 redirect",
        "ip daddr 172.16.0.30 tcp dport 80 accept", "ip daddr 172.16.0.0/24 tcp dport 80 redirect",
        "ip daddr 172.16.0.30 tcp dport != 80 redirect",
        "ether saddr 08:00:27:e1:3c:c5 ip daddr 172.16.0.30 tcp dport 80 meta mark set 3"}) {
    CAPTURE(rule);
    CHECK(read_rules(rule).empty());
  }
}

TEST_CASE("what marks or redirects by sets is named") {
  const auto vip = ip("172.16.0.30");
  const std::pair<std::string, std::optional<IpAddress>> rows[] = {
      {"ip daddr 172.16.0.30 tcp dport { 80, 443 } redirect", vip},
      {"ether saddr != @peers ip daddr 172.16.0.30 tcp dport 80 meta mark set 3", vip},
      {"tcp dport 80 meta mark set ip daddr map @marks", std::nullopt}};
  for (const auto& row : rows) {
    CAPTURE(row.first);
    const ForeignBypasses found = read_all(row.first);
    CHECK(found.read.empty());
    REQUIRE(found.unread.size() == 1);
    CHECK(found.unread[0].place == "ip t pre");
    CHECK(found.unread[0].handle > 0);
    CHECK(found.unread[0].address == row.second);
  }
  CHECK(read_all("ip daddr 172.16.0.30 tcp dport { 80, 443 } accept") == ForeignBypasses{});
}

TEST_CASE("our own table is no foreign one") {
  const Nftables nftables;
  nft("table inet twobox { set peers { type ether_addr; }; chain c {\n"
      "ip daddr 172.16.0.30 tcp dport 80 meta mark set 3;\n"
      "ether saddr != @peers meta mark set 3; }; }");
  CHECK(read() == ForeignBypasses{});
}

TEST_CASE("iptables writes the same") {
  const Nftables nftables;
  const Output written =
      run("iptables -t mangle -A PREROUTING -d 172.16.0.30 -p tcp -m tcp --dport 80 -m mac "
          "! --mac-source 08:00:27:e1:3c:c5 -j MARK --set-mark 3 && "
          "iptables -t nat -A PREROUTING -d 172.16.0.30 -p tcp --dport 80 -j REDIRECT");
  if (written.status != 0) {
    MESSAGE("skipped: no iptables-nft, or a kernel without its matches: " << written.text);
    return;
  }
  CHECK(read().read ==
        std::vector{bypass("ip mangle PREROUTING", 3, kPeer), bypass("ip nat PREROUTING", {})});
}

}  // namespace
}  // namespace twobox::nft_test
