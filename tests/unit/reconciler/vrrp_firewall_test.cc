// Which chains keep VRRP from VIPs that follow, and what is said about them.
#include "reconciler/vrrp_firewall.h"

#include <doctest/doctest.h>

#include "reconciler/ownership.h"
#include "tests/support/fake_kernel.h"

using namespace twobox;

namespace {

constexpr AddressFamily kIpv4 = AddressFamily::kIpv4;
constexpr AddressFamily kIpv6 = AddressFamily::kIpv6;

DesiredState following(std::map<const char*, const char*> interface_by_vip) {
  DesiredState desired;
  for (const auto& [vip, interface] : interface_by_vip)
    desired.followed.emplace(*IpAddress::parse(vip), *InterfaceName::parse(interface));
  return desired;
}

ObservedState seeing(std::vector<DroppingChain> chains) {
  ObservedState observed;
  observed.dropping_chains = std::move(chains);
  return observed;
}

std::vector<std::string> commands(const DesiredState& desired, std::vector<DroppingChain> chains) {
  const auto verdict = judge_vrrp(desired, seeing(std::move(chains)));
  REQUIRE(verdict.has_value());
  CHECK(verdict->readable);
  std::vector<std::string> texts;
  for (const VrrpBlock& block : verdict->blocks) texts.push_back(block.command);
  return texts;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("without a VIP that follows, nothing is asked and nothing is said") {
  CHECK_FALSE(scope_of({}, {}).dropping_chains);
  CHECK_FALSE(judge_vrrp({}, seeing({{"inet", "filter", "input", NftHook::kInput, {}}})));
  CHECK(scope_of(following({{"172.16.0.30", "enp0s3"}}), {}).dropping_chains);
}

TEST_CASE("chains that could not be read are no clean bill") {
  const auto verdict = judge_vrrp(following({{"172.16.0.30", "enp0s3"}}), {});
  REQUIRE(verdict.has_value());
  CHECK_FALSE(verdict->readable);
}

TEST_CASE("each chain that drops VRRP comes with the rule to insert") {
  const auto verdict = judge_vrrp(following({{"172.16.0.30", "enp0s3"}}),
                                  seeing({{"inet", "filter", "input", NftHook::kInput, {kIpv6}},
                                          {"ip", "filter", "OUTPUT", NftHook::kOutput, {}}}));
  REQUIRE(verdict.has_value());
  CHECK(verdict->blocks ==
        std::vector<VrrpBlock>{
            {"inet filter input",
             "nft insert rule inet filter input iifname enp0s3 ip daddr 224.0.0.18 meta l4proto "
             "112 accept"},
            {"ip filter OUTPUT",
             "nft insert rule ip filter OUTPUT oifname enp0s3 ip daddr 224.0.0.18 meta l4proto "
             "112 accept"}});
  CHECK(to_string(verdict->blocks[0]) ==
        "inet filter input drops VRRP by its policy and no rule of it accepts protocol 112: `" +
            verdict->blocks[0].command + "`");
}

TEST_CASE("a chain matters for the families it sees and a VIP has") {
  const std::vector<DroppingChain> both = {{"ip", "filter", "INPUT", NftHook::kInput, {}},
                                           {"ip6", "filter", "INPUT", NftHook::kInput, {}}};
  const std::string v4 =
      "nft insert rule ip filter INPUT iifname enp0s3 ip daddr 224.0.0.18 meta l4proto 112 accept";
  const std::string v6 =
      "nft insert rule ip6 filter INPUT iifname enp0s3 ip6 daddr ff02::12 meta l4proto 112 accept";
  CHECK(commands(following({{"172.16.0.30", "enp0s3"}}), both) == Texts{v4});
  CHECK(commands(following({{"2001:db8::30", "enp0s3"}}), both) == Texts{v6});
  CHECK(commands(following({{"2001:db8::30", "enp0s3"}, {"172.16.0.30", "enp0s3"}}), both) ==
        Texts{v4, v6});
}

TEST_CASE("VIPs on one interface ask once, on two interfaces twice") {
  const std::vector<DroppingChain> chain = {{"ip", "my table", "in", NftHook::kInput, {}}};
  const std::string rule = " ip daddr 224.0.0.18 meta l4proto 112 accept";
  CHECK(commands(following({{"172.16.0.30", "eth0"}, {"172.16.0.31", "eth0"}}), chain) ==
        Texts{"nft insert rule ip 'my table' in iifname eth0" + rule});
  CHECK(commands(following({{"172.16.0.30", "eth0"}, {"172.16.0.31", "eth1"}}), chain).size() == 2);
  CHECK(commands(following({{"172.16.0.30", "eth0"}}),
                 {{"inet", "filter", "input", NftHook::kInput, {kIpv4}}})
            .empty());
}

TEST_CASE("a pass reports it and plans nothing for it") {
  testing::FakeKernel kernel;
  kernel.state.dropping_chains = {{{"inet", "filter", "input", NftHook::kInput, {}}}};
  testing::MemoryOwnership ownership;
  Refusals refusals;
  const auto pass = reconcile_once(following({{"172.16.0.30", "enp0s3"}}), kernel, ownership,
                                   refusals, SteadyTime{});
  REQUIRE(pass.has_value());
  CHECK(pass->planned.in_sync());
  REQUIRE(pass->vrrp.has_value());
  CHECK(pass->vrrp->blocks.size() == 1);
}
