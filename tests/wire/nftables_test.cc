// Recorded answers of the kernel -> objects. What they stand for is in nftables/ruleset.nft.
#include <doctest/doctest.h>
#include <linux/netfilter/nf_tables.h>

#include "reconciler/nft_text.h"
#include "tests/wire/nftables_support.h"

namespace twobox::nftables_wire {
namespace {

using namespace nftables;

Endpoint endpoint(const char* address, Protocol protocol, std::uint16_t port) {
  return {*IpAddress::parse(address), protocol, port};
}
MacAddress mac(const char* text) {
  return *MacAddress::parse(text);
}

TEST_CASE("the recorded table") {
  const auto messages = recorded("table.hex");
  REQUIRE(messages.size() == 1);
  const auto table = decode_table(messages.front());
  REQUIRE(table.has_value());
  CHECK(*table == NftTableConfig{0});
}

TEST_CASE("the recorded generation") {
  const auto messages = recorded("generation.hex");
  REQUIRE(messages.size() == 1);
  const auto generation = decode_generation(messages.front());
  REQUIRE(generation.has_value());
  CHECK(*generation == 2);
}

TEST_CASE("the recorded chains, without those of other tables and with the anonymous one marked") {
  std::map<NftChainKey, NftChainConfig> chains;
  int anonymous = 0;
  int others = 0;
  for (const Bytes& message : recorded("chains.hex")) {
    const auto chain = decode_chain(message);
    REQUIRE(chain.has_value());
    if (!*chain)
      ++others;
    else if ((*chain)->anonymous)
      ++anonymous;
    else
      chains[(*chain)->key] = (*chain)->config;
  }
  CHECK(others == 1);
  CHECK(anonymous == 1);
  CHECK(chains == std::map<NftChainKey, NftChainConfig>{
                      {{"bypass"}, {"nat", NftHook::kPrerouting, -100, true}},
                      {{"marking"}, {"filter", NftHook::kPrerouting, -150, false}},
                      {{"at-ingress"}, {"filter at hook 5", NftHook::kNone, 0, true}},
                      {{"plain"}, {"", NftHook::kNone, 0, true}}});
}

TEST_CASE("the recorded sets") {
  std::map<NftSetKey, NftSetConfig> sets;
  int anonymous = 0;
  for (const DecodedSet& set : recorded_sets()) {
    if (set.anonymous)
      ++anonymous;
    else
      sets[set.key] = set.config;
  }
  CHECK(anonymous == 1);
  const auto v4 = NftSetKeyType::kEndpointIpv4;
  const auto v6 = NftSetKeyType::kEndpointIpv6;
  const auto ether = NftSetKeyType::kEtherAddress;
  CHECK(sets ==
        std::map<NftSetKey, NftSetConfig>{
            {{"redirect-ipv4"}, {v4, false, 0}},
            {{"redirect-ipv6"}, {v6, false, 0}},
            {{"peers"}, {ether, false, 0}},
            {{"marks-ipv4"}, {v4, true, 0}},
            {{"marks-ipv6"}, {v6, true, 0}},
            {{"extra-timeout"}, {ether, false, NFT_SET_TIMEOUT | kSetHasExtras}},
            {{"extra-catchall"}, {v4, false, 0}},
            {{"extra-counter"}, {ether, false, kSetHasExtras}},
            {{"extra-range"}, {v4, false, NFT_SET_INTERVAL | NFT_SET_CONCAT | kSetHasExtras}},
            {{"extra-size"}, {ether, false, kSetHasExtras}},
            {{"extra-memory"}, {ether, false, kSetHasExtras}},
            {{"extra-verdicts"}, {v4, false, NFT_SET_MAP}}});
}

TEST_CASE("recorded elements of ours") {
  CHECK(recorded_elements("redirect-ipv4") ==
        Elements{
            {{"redirect-ipv4", endpoint("192.0.2.1", Protocol::kTcp, 80)}, {}},
            {{"redirect-ipv4", endpoint("192.0.2.1", Protocol::kUdp, 53)}, {}},
            // A protocol we have no word for stays bytes.
            {{"redirect-ipv4", OpaqueElement{{192, 0, 2, 2, 1, 0, 0, 0, 0, 0, 0, 0}}}, {}},
        });
  CHECK(recorded_elements("redirect-ipv6") ==
        Elements{{{"redirect-ipv6", endpoint("2001:db8::1", Protocol::kSctp, 65535)}, {}}});
  CHECK(recorded_elements("peers") == Elements{{{"peers", mac("02:00:00:00:00:01")}, {}}});
  CHECK(recorded_elements("marks-ipv4") ==
        Elements{{{"marks-ipv4", endpoint("192.0.2.1", Protocol::kTcp, 80)}, {0x123}}});
}

TEST_CASE("a recorded element of a set of another kind is none of ours, nor is the catch-all") {
  const NftElementConfig matches_all{std::nullopt, true};
  CHECK(recorded_elements("extra-catchall") ==
        Elements{{{"extra-catchall", OpaqueElement{}}, matches_all}});
  CHECK(recorded_elements("extra-timeout") ==
        Elements{{{"extra-timeout", OpaqueElement{{2, 0, 0, 0, 0, 2}}}, {}}});
  CHECK(recorded_elements("extra-counter") ==
        Elements{{{"extra-counter", OpaqueElement{{2, 0, 0, 0, 0, 3}}}, {}}});
  CHECK(recorded_elements("extra-range") ==
        Elements{{{"extra-range", OpaqueElement{{192, 0, 2, 0, 6, 0, 0, 0, 0, 1, 0, 0}}}, {}}});
}

TEST_CASE("an element with a counter in a set without one is ours with extras") {
  // No nft writes it, but the kernel takes it. The set is read as the plain one it looks like.
  Elements elements;
  const NftSetConfig plain{NftSetKeyType::kEtherAddress, false, 0};
  for (const Bytes& message : recorded("elements-extra-counter.hex"))
    REQUIRE(decode_elements(message, {"extra-counter"}, plain, elements).has_value());
  const NftElementConfig counts{std::nullopt, true};
  CHECK(elements == Elements{{{"extra-counter", mac("02:00:00:00:00:03")}, counts}});
}

TEST_CASE("an element that expires is ours with extras") {
  Elements elements;
  const NftSetConfig plain{NftSetKeyType::kEtherAddress, false, 0};
  for (const Bytes& message : recorded("elements-extra-timeout.hex"))
    REQUIRE(decode_elements(message, {"extra-timeout"}, plain, elements).has_value());
  const NftElementConfig expires{std::nullopt, true};
  CHECK(elements == Elements{{{"extra-timeout", mac("02:00:00:00:00:02")}, expires}});
}

TEST_CASE("recorded rules of ours") {
  const auto rules = recorded_rules().configs;
  CHECK(rules.at({"bypass", "redirect-ipv4"}) ==
        NftRuleConfig{{NftFamilyIs{AddressFamily::kIpv4},
                       NftDestinationInSet{AddressFamily::kIpv4, "redirect-ipv4"}, NftRedirect{}},
                      "redirect-ipv4: a reason"});
  CHECK(rules.at({"bypass", "redirect-ipv6"}) ==
        NftRuleConfig{{NftFamilyIs{AddressFamily::kIpv6},
                       NftDestinationInSet{AddressFamily::kIpv6, "redirect-ipv6"}, NftRedirect{}},
                      "redirect-ipv6: a reason"});
  for (const auto& [name, family, map] :
       {std::tuple("mark-ipv4", AddressFamily::kIpv4, "marks-ipv4"),
        std::tuple("mark-ipv6", AddressFamily::kIpv6, "marks-ipv6")})
    CHECK(rules.at({"marking", name}) ==
          NftRuleConfig{{NftFamilyIs{family}, NftArrivesOverEthernet{},
                         NftEtherSourceNotInSet{"peers"}, NftMarkFromMap{family, map}},
                        std::string(name) + ": a reason"});
}

/// Recorded rules that go by their handle: "CHAIN: STATEMENT; STATEMENT; ...", oldest first.
std::vector<std::string> nameless_rules() {
  std::map<std::uint64_t, std::string> by_handle;
  const nftables::Rules all = recorded_rules();
  for (const auto& [key, rule] : all.configs) {
    const std::uint64_t handle = all.handles.at(key);
    if (key.name != "handle " + std::to_string(handle)) continue;
    by_handle[handle] = key.chain + ":";
    for (const NftStatement& part : rule.statements)
      by_handle[handle] += " " + nft_text(part) + ";";
  }
  std::vector<std::string> rules;
  for (const auto& [handle, text] : by_handle) rules.push_back(text);
  return rules;
}

TEST_CASE("recorded rules of others, in libnftnl's words") {
  CHECK(
      nameless_rules() ==
      std::vector<std::string>{
          // A copy of ours, word for word: the name is taken.
          "bypass: meta nfproto ipv4; ip daddr . meta l4proto . th dport @redirect-ipv4; redirect;",
          "bypass: meta nfproto ipv4; counter; redirect;",
          "bypass: meta load l4proto => reg 1; cmp eq reg 1 0x00000006; "
          "immediate reg 1 0x0000901f; redir proto_min reg 1 proto_max reg 1 flags 0x2;",
          "__chain4: immediate reg 0 accept;",
          "marking: meta iiftype ether; ether saddr @peers; immediate reg 0 jump -> __chain4;",
          "plain: meta nfproto ipv4; payload load 3b @ network header + 12 => reg 1; "
          "cmp eq reg 1 0x000200c0; immediate reg 0 drop;",
          "plain: meta nfproto ipv4; payload load 1b @ network header + 9 => reg 1; "
          "lookup reg 1 set __set0 0x0; immediate reg 0 return;"});
}

TEST_CASE("a recorded counter is apart from its rule, and so is its count") {
  const nftables::Rules all = recorded_rules();
  REQUIRE(all.counts.size() == 1);
  const auto& [key, count] = *all.counts.begin();
  CHECK(count == NftCount{3, 180});
  CHECK(all.configs.at(key).statements ==
        std::vector<NftStatement>{NftFamilyIs{AddressFamily::kIpv4}, NftCounter{}, NftRedirect{}});
}

TEST_CASE("the name in a comment") {
  CHECK(name_in("redirect-ipv4: a reason") == "redirect-ipv4");
  CHECK(name_in("word:") == "word");
  CHECK(name_in("") == "");
  CHECK(name_in(": nameless") == "");
  CHECK(name_in("no colon") == "");
  CHECK(name_in("word") == "");
  CHECK(name_in("handle 7: an impostor") == "");
}

}  // namespace
}  // namespace twobox::nftables_wire
