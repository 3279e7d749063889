// Other people's chains that drop by policy, as nft writes them.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "reconciler/vrrp_firewall.h"
#include "tests/kernel/nftables_support.h"

namespace twobox::nft_test {
namespace {

constexpr AddressFamily kIpv4 = AddressFamily::kIpv4;
constexpr AddressFamily kIpv6 = AddressFamily::kIpv6;
using Families = std::set<AddressFamily>;
const Families kBoth = {kIpv4, kIpv6};

std::vector<DroppingChain> read(Nftables& nftables) {
  auto chains = nftables.backend().dropping_chains();
  REQUIRE_MESSAGE(chains.has_value(), (chains ? "" : chains.error().message));
  return *std::move(chains);
}

/// The families for which an input chain with these rules may accept VRRP.
Families accepted(const std::string& rules, const std::string& family = "inet") {
  Nftables nftables;
  nft("table " + family + " filter { chain elsewhere { }\n" +
      "chain input { type filter hook input priority 0; policy drop;\n" + rules + "\n}\n}");
  const auto chains = read(nftables);
  REQUIRE(chains.size() == 1);
  return chains[0].accepts_vrrp;
}

TEST_CASE("chains with policy drop at input and output are found, in three families") {
  Nftables nftables;
  nft("table inet filter {\n"
      "chain input { type filter hook input priority 0; policy drop; }\n"
      "chain forward { type filter hook forward priority 0; policy drop; }\n"
      "chain output { type filter hook output priority 0; policy accept; }\n"
      "chain helper { }; }\n"
      "table ip filter { chain OUTPUT { type filter hook output priority 0; policy drop; }; }\n"
      "table ip6 filter { chain INPUT { type filter hook input priority 0; policy drop; }; }\n"
      "table inet twobox { chain own { type filter hook input priority 0; policy drop; }; }");
  const auto chains = read(nftables);
  const std::vector<DroppingChain> expected = {{"inet", "filter", "input", NftHook::kInput, {}},
                                               {"ip", "filter", "OUTPUT", NftHook::kOutput, {}},
                                               {"ip6", "filter", "INPUT", NftHook::kInput, {}}};
  CHECK(chains.size() == expected.size());
  for (const DroppingChain& chain : expected) CHECK(std::ranges::count(chains, chain) == 1);
}

TEST_CASE("no chains at all") {
  Nftables nftables;
  CHECK(read(nftables).empty());
}

TEST_CASE("rules that name VRRP's protocol let it through, for their family") {
  CHECK(accepted("meta l4proto 112 accept") == kBoth);
  CHECK(accepted("ip protocol 112 accept") == Families{kIpv4});
  CHECK(accepted("ip6 nexthdr 112 accept") == Families{kIpv6});
  CHECK(accepted("iifname \"eth0\" ip daddr 224.0.0.18 meta l4proto 112 accept") ==
        Families{kIpv4});
  CHECK(accepted("ip6 daddr ff02::12 meta l4proto 112 counter accept") == Families{kIpv6});
  CHECK(accepted("ip protocol 112 counter accept", "ip").contains(kIpv4));
  CHECK(accepted("ip6 nexthdr 112 accept", "ip6").contains(kIpv6));
}

TEST_CASE("sets and maps of protocols are looked into") {
  CHECK(accepted("meta l4proto { 6, 112 } accept") == kBoth);
  CHECK(accepted("ip protocol { 1, 112 } accept") == Families{kIpv4});
  CHECK(accepted("meta l4proto vmap { 112 : accept, 6 : drop }") == kBoth);
  CHECK(accepted("meta l4proto { 1, 58 } accept").empty());
  CHECK(accepted("meta l4proto != { 6, 112 } accept").empty());
}

TEST_CASE("rules that do not let it through") {
  CHECK(accepted("").empty());
  CHECK(accepted("meta l4proto 112 drop").empty());
  CHECK(accepted("meta l4proto 6 accept").empty());
  CHECK(accepted("meta l4proto != 112 accept").empty());
  CHECK(accepted("ip ttl 112 accept").empty());
  CHECK(accepted("tcp dport 112 accept").empty());
  CHECK(accepted("iifname \"lo\" accept\nct state established,related accept").empty());
}

TEST_CASE("a rule without a match that accepts lets everything through") {
  CHECK(accepted("accept") == kBoth);
  CHECK(accepted("counter accept") == kBoth);
  CHECK(accepted("counter drop").empty());
}

TEST_CASE("a chain that is jumped to counts, another base chain does not") {
  Nftables nftables;
  nft("table inet filter {\n"
      "chain cluster { meta l4proto 112 accept; }\n"
      "chain everything { accept; }\n"
      "chain input { type filter hook input priority 0; policy drop; jump cluster; }\n"
      "}\n"
      "table ip filter {\n"
      "chain everything { accept; }\n"
      "chain INPUT { type filter hook input priority 0; policy drop; ip protocol 112 accept; }\n"
      "chain OUTPUT { type filter hook output priority 0; policy drop; oifname \"lo\" jump "
      "everything; }\n"
      "}");
  for (const DroppingChain& chain : read(nftables))
    CHECK_MESSAGE(chain.accepts_vrrp.empty() == (chain.name == "OUTPUT"), chain.name);
}

TEST_CASE("the rule that is proposed settles it") {
  Nftables nftables;
  nft("table inet filter {\n"
      "chain input { type filter hook input priority 0; policy drop; counter drop; }\n"
      "chain output { type filter hook output priority 0; policy drop; }; }\n"
      "table ip6 filter { chain INPUT { type filter hook input priority 0; policy drop; }; }");
  DesiredState desired;
  desired.followed.emplace(ip("172.16.0.30"), *InterfaceName::parse("enp0s3"));
  desired.followed.emplace(ip("2001:db8::30"), *InterfaceName::parse("enp0s3"));
  ObservedState observed;
  observed.dropping_chains = read(nftables);
  const auto before = judge_vrrp(desired, observed);
  REQUIRE(before.has_value());
  CHECK(before->blocks.size() == 5);
  for (const VrrpBlock& block : before->blocks) {
    const Output made = run(block.command);
    CHECK_MESSAGE(made.status == 0, made.text);
  }
  observed.dropping_chains = read(nftables);
  CHECK(judge_vrrp(desired, observed) == VrrpVerdict{true, {}});
}

}  // namespace
}  // namespace twobox::nft_test
