// The nftables backend on the running kernel: what is made reads back equal, and nft sees the same.
#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "reconciler/bypass_table.h"
#include "tests/kernel/capabilities.h"
#include "tests/kernel/nftables_support.h"

namespace twobox::nft_test {
namespace {

KernelState redirect_state() {
  KernelState state;
  add_redirect_rules(state, RedirectOf::kEveryPacket);
  add_redirect(state, endpoint("192.0.2.1", Protocol::kTcp, 80), RedirectOf::kEveryPacket);
  add_redirect(state, endpoint("192.0.2.1", Protocol::kUdp, 53), RedirectOf::kEveryPacket);
  add_redirect(state, endpoint("2001:db8::1", Protocol::kSctp, 65535), RedirectOf::kEveryPacket);
  return state;
}

NftRuleConfig mark_rule(AddressFamily family, const std::string& map, const std::string& comment) {
  return {{NftFamilyIs{family}, NftArrivesOverEthernet{}, NftEtherSourceNotInSet{"peers"},
           NftMarkFromMap{family, map}},
          comment};
}

/// Every kind of object that the codecs know and the redirect table has not.
KernelState mark_state() {
  KernelState state;
  state.nft_tables[{}] = {};
  state.nft_chains[{"marks"}] = {"filter", NftHook::kPrerouting, -150, true};
  state.nft_sets[{"peers"}] = {NftSetKeyType::kEtherAddress, false, 0};
  state.nft_sets[{"marks-ipv4"}] = {NftSetKeyType::kEndpointIpv4, true, 0};
  state.nft_sets[{"marks-ipv6"}] = {NftSetKeyType::kEndpointIpv6, true, 0};
  state.nft_elements[{"peers", mac("02:00:00:00:00:01")}] = {};
  state.nft_elements[{"marks-ipv4", endpoint("192.0.2.1", Protocol::kTcp, 80)}] = {0x123};
  state.nft_elements[{"marks-ipv6", endpoint("2001:db8::1", Protocol::kUdp, 53)}] = {0xfffffffe};
  state.nft_rules[{"marks", "mark-ipv4"}] =
      mark_rule(AddressFamily::kIpv4, "marks-ipv4", "mark-ipv4: from clients only");
  state.nft_rules[{"marks", "mark-ipv6"}] =
      mark_rule(AddressFamily::kIpv6, "marks-ipv6", "mark-ipv6: from clients only");
  return state;
}

NftRuleKey redirect_rule_key(const KernelState& state) {
  return state.nft_rules.begin()->first;
}

TEST_CASE("no table is an empty state") {
  Nftables nftables;
  nft("add table ip twobox; add table inet other");
  CHECK(nftables.observe() == KernelState{});
  CHECK(nftables.handles().empty());
}

TEST_CASE("the redirect table reads back equal") {
  Nftables nftables;
  const KernelState want = redirect_state();
  CHECK(nftables.made(want) == want);
  CHECK(nftables.handles().size() == want.nft_rules.size());
}

TEST_CASE("nft reads the redirect table as we mean it") {
  Nftables nftables;
  nftables.made(redirect_state());
  const std::string text = list_ruleset();
  CAPTURE(text);
  CHECK(contains(text, "table inet twobox {\n\tcomment \"held by twobox; edits are undone\""));
  CHECK(contains(text, "type nat hook prerouting priority dstnat; policy accept;"));
  CHECK(contains(text, "set redirect-ipv4 {\n\t\ttype ipv4_addr . inet_proto . inet_service\n"));
  CHECK(contains(text, "set redirect-ipv6 {\n\t\ttype ipv6_addr . inet_proto . inet_service\n"));
  CHECK(contains(text, "192.0.2.1 . tcp . 80"));
  CHECK(contains(text, "192.0.2.1 . udp . 53"));
  CHECK(contains(text, "elements = { 2001:db8::1 . sctp . 65535 }"));
  CHECK(contains(text,
                 "\t\tip daddr . meta l4proto . th dport @redirect-ipv4 counter packets 0 bytes 0 "
                 "redirect comment "
                 "\"redirect-ipv4: "));
  CHECK(contains(text,
                 "\t\tip6 daddr . meta l4proto . th dport @redirect-ipv6 counter packets 0 bytes 0 "
                 "redirect comment "
                 "\"redirect-ipv6: "));
}

TEST_CASE("sets of hardware addresses and maps to marks read back equal") {
  Nftables nftables;
  const KernelState want = mark_state();
  CHECK(nftables.made(want) == want);
  const std::string text = list_ruleset();
  CAPTURE(text);
  CHECK(contains(text, "set peers {\n\t\ttype ether_addr\n\t\telements = { 02:00:00:00:00:01 }"));
  CHECK(contains(text,
                 "type ipv4_addr . inet_proto . inet_service : mark\n"
                 "\t\telements = { 192.0.2.1 . tcp . 80 : 0x00000123 }"));
  CHECK(contains(text, "elements = { 2001:db8::1 . udp . 53 : 0xfffffffe }"));
  CHECK(contains(text,
                 "ether saddr != @peers meta mark set ip daddr . meta l4proto . th dport map "
                 "@marks-ipv4 comment \"mark-ipv4: from clients only\""));
  CHECK(contains(text,
                 "ether saddr != @peers meta mark set ip6 daddr . meta l4proto . th dport "
                 "map @marks-ipv6 comment \"mark-ipv6: from clients only\""));
}

TEST_CASE("what nft lists of our table it can load again") {
  Nftables nftables;
  // Under a name that is no keyword of nft's language: one that is can be listed, but not loaded.
  KernelState want = redirect_state();
  want.nft_chains = {{{"bypass"}, want.nft_chains.begin()->second}};
  const auto rules = std::exchange(want.nft_rules, {});
  for (const auto& [key, rule] : rules) want.nft_rules[{"bypass", key.name}] = rule;
  nftables.made(want);
  const std::string listed = list_ruleset();
  nft("flush ruleset");
  nft(listed);
  CHECK(nftables.observe() == want);
}

TEST_CASE("without CAP_NET_ADMIN there is nothing to be had, and the error says so") {
  KernelState state;
  NftablesBackend::Handles handles;
  NftCounts counts;
  Status observed = success();
  // Capabilities belong to a thread, so this one can do without.
  std::thread([&] {
    drop_capabilities();
    auto backend = NftablesBackend::open();
    observed = backend ? backend->observe(state, handles, counts) : Status(backend.error());
  }).join();
  REQUIRE(!observed);
  CHECK(observed.error().kind == ErrorKind::kUnavailable);
  CHECK(observed.error().errno_value == EPERM);
  CHECK(contains(observed.error().message, "CAP_NET_ADMIN"));
}

TEST_CASE("chains of every kind read back equal") {
  Nftables nftables;
  KernelState want;
  want.nft_tables[{}] = {};
  want.nft_chains[{"plain"}] = {};
  want.nft_chains[{"prerouting"}] = {"nat", NftHook::kPrerouting, -100, true};
  want.nft_chains[{"input"}] = {"filter", NftHook::kInput, -1, false};
  want.nft_chains[{"forward"}] = {"filter", NftHook::kForward, 2147483646, true};
  want.nft_chains[{"output"}] = {"route", NftHook::kOutput, -2147483647, true};
  want.nft_chains[{"postrouting"}] = {"nat", NftHook::kPostrouting, 100, true};
  CHECK(nftables.made(want) == want);
}

TEST_CASE("a rule without comment is named by its handle") {
  Nftables nftables;
  const KernelState want = redirect_state();
  nftables.made(want);
  const std::string chain = redirect_rule_key(want).chain;
  nft_json({{"add",
             {{"rule",
               {{"family", "inet"},
                {"table", "twobox"},
                {"chain", chain},
                {"expr", {{{"accept", nullptr}}}}}}}}});
  const KernelState have = nftables.observe();
  REQUIRE(have.nft_rules.size() == want.nft_rules.size() + 1);
  const auto found = have.nft_rules.lower_bound({chain, "handle "});
  REQUIRE(found != have.nft_rules.end());
  CHECK(found->first.name == "handle " + std::to_string(nftables.handles().at(found->first)));
  CHECK(found->second == NftRuleConfig{{NftUnknown{"immediate reg 0 accept"}}, ""});
}

TEST_CASE("an edited rule is replaced in its place") {
  Nftables nftables;
  const KernelState before = redirect_state();
  nftables.made(before);
  KernelState want = before;
  NftRuleConfig& edited = want.nft_rules.begin()->second;
  edited.statements.pop_back();
  edited.comment = redirect_rule_key(want).name + ": another reason";
  nftables.apply_all(creates(want, before));
  CHECK(nftables.observe() == want);

  const std::string text = list_ruleset();
  CHECK(text.find("another reason") < text.find("redirect-ipv6: "));
}

TEST_CASE("an element's mark is replaced") {
  Nftables nftables;
  const KernelState before = mark_state();
  nftables.made(before);
  KernelState want = before;
  for (auto& [key, element] : want.nft_elements)
    if (element.mark) element.mark = 7;
  nftables.apply_all(creates(want, before));
  CHECK(nftables.observe() == want);
}

TEST_CASE("making what is there already changes nothing, except that rules are added") {
  Nftables nftables;
  KernelState want = mark_state();
  want.nft_rules.clear();
  nftables.made(want);
  nftables.apply_all(creates(want));
  CHECK(nftables.observe() == want);
}

TEST_CASE("objects are deleted from the inside out") {
  Nftables nftables;
  nftables.made(mark_state());
  const KernelState have = nftables.observe();
  KernelState want;
  want.nft_tables[{}] = {};
  std::vector<Change> changes = creates(want, have);
  std::reverse(changes.begin(), changes.end());
  nftables.apply_all(changes);
  CHECK(nftables.observe() == want);
}

TEST_CASE("the table goes with all that is in it") {
  Nftables nftables;
  nftables.made(redirect_state());
  const std::vector<Change> changes = {NftTableChange{{}, NftTableConfig{}, std::nullopt}};
  nftables.apply_all(changes);
  CHECK(nftables.observe() == KernelState{});
  CHECK(list_ruleset().empty());
}

TEST_CASE("a table is made anew in one batch") {
  Nftables nftables;
  nftables.made(mark_state());
  nft("add table inet twobox { flags dormant; }");
  KernelState have = nftables.observe();
  REQUIRE(have.nft_tables.at({}).flags != 0);

  const KernelState want = redirect_state();
  std::vector<Change> changes = creates(want);
  std::get<NftTableChange>(changes.front()).before = have.nft_tables.at({});
  nftables.apply_all(changes);
  CHECK(nftables.observe() == want);
}

}  // namespace
}  // namespace twobox::nft_test
