// The tables that the bypass schemes ask for, on the running kernel.
#include <doctest/doctest.h>

#include <string>

#include "reconciler/bypass_table.h"
#include "tests/kernel/nftables_support.h"

namespace twobox::nft_test {
namespace {

KernelState mac_mark_state() {
  KernelState state;
  add_mac_mark_rules(state, {mac("02:00:00:00:00:01")});
  add_mark(state, endpoint("192.0.2.1", Protocol::kTcp, 80), 3);
  add_mark(state, endpoint("192.0.2.1", Protocol::kUdp, 53), 4);
  add_mark(state, endpoint("2001:db8::1", Protocol::kSctp, 65535), 5);
  return state;
}

KernelState redirect_first_state() {
  KernelState state;
  add_redirect_rules(state, RedirectOf::kFirstPacket);
  add_redirect(state, endpoint("192.0.2.1", Protocol::kTcp, 80), RedirectOf::kFirstPacket);
  add_redirect(state, endpoint("192.0.2.1", Protocol::kUdp, 53), RedirectOf::kFirstPacket);
  add_redirect(state, endpoint("2001:db8::1", Protocol::kTcp, 80), RedirectOf::kFirstPacket);
  return state;
}

TEST_CASE("the mac-mark table reads back equal, and nft lists it") {
  Nftables nftables;
  const KernelState want = mac_mark_state();
  CHECK(nftables.made(want) == want);
  const std::string text = list_ruleset();
  CAPTURE(text);
  CHECK(contains(text, "type filter hook input priority 97; policy accept;"));
  CHECK(contains(text, "type filter hook input priority 100; policy accept;"));
  CHECK(contains(text,
                 "ether saddr @peer-macs ip daddr . meta l4proto . th dport @forwarded-ipv4 "
                 "ip protocol tcp ip protocol set 254 counter packets 0 bytes 0 comment"));
  CHECK(contains(text,
                 "ether saddr @peer-macs @nh,72,8 0xfd @nh,72,8 set 0x11 counter packets 0 bytes "
                 "0 comment"));
  CHECK(contains(text,
                 "ether saddr @peer-macs ip6 daddr . meta l4proto . th dport @forwarded-ipv6 "
                 "ip6 nexthdr sctp ip6 nexthdr set 252 counter packets 0 bytes 0 comment"));
}

// A saved listing may hold somebody's whole firewall: it must load.
TEST_CASE("nft loads its listing of the mac-mark table; what hides then changes checksums, too") {
  Nftables nftables;
  const KernelState want = mac_mark_state();
  nftables.made(want);
  const std::string listed = list_ruleset();
  nft("flush ruleset");
  nft(listed);
  KernelState have = nftables.observe();
  for (const auto& wanted : want.nft_rules) {
    const auto& [key, rule] = wanted;
    CAPTURE(wanted.first.name);
    REQUIRE(have.nft_rules.contains(key));
    if (key.chain == "restore-behind-ipvs") CHECK(have.nft_rules.at(key) == rule);
    if (key.chain == "hide-from-ipvs") CHECK(have.nft_rules.at(key) != rule);
  }
  have.nft_rules = want.nft_rules;
  CHECK(have == want);
}

TEST_CASE("the table that redirects first packets reads back equal, also after nft loaded it") {
  Nftables nftables;
  const KernelState want = redirect_first_state();
  CHECK(nftables.made(want) == want);
  const std::string listed = list_ruleset();
  CAPTURE(listed);
  CHECK(contains(listed, "@redirect-first-ipv6 tcp flags syn / fin,syn,rst,ack counter"));
  nft("flush ruleset");
  nft(listed);
  CHECK(nftables.observe() == want);
}

// What nft loads from it tells the family by the type in the Ethernet header: it counts as edited.
TEST_CASE("the table that redirects peers reads back equal, and nft loads its listing") {
  Nftables nftables;
  KernelState want = redirect_first_state();
  const std::set<MacAddress> peers = {*MacAddress::parse("08:00:27:e1:3c:c5")};
  for (const RedirectOf packets : {RedirectOf::kEveryPacket, RedirectOf::kFirstPacket})
    for (const char* const vip : {"192.0.2.1", "2001:db8::1"})
      add_peer_redirect(want, endpoint(vip, Protocol::kTcp, 80), packets, peers);
  CHECK(nftables.made(want) == want);
  const std::string listed = list_ruleset();
  CAPTURE(listed);
  CHECK(contains(listed,
                 "ether saddr @peer-macs ip daddr . meta l4proto . th dport @peers-ipv4 counter"));
  CHECK(contains(listed, "@peers-first-ipv6 tcp flags syn / fin,syn,rst,ack counter"));
  nft("flush ruleset");
  nft(listed);
  CHECK(list_ruleset() == listed);
  CHECK(nftables.observe().nft_elements == want.nft_elements);
}

TEST_CASE("counts are read alone, and are no part of their rules") {
  Nftables nftables;
  CHECK(nftables.counts().empty());
  const KernelState want = redirect_first_state();
  nftables.made(want);
  NftCounts counts = nftables.counts();
  CHECK(counts.size() == want.nft_rules.size());
  CHECK(counts.at({"bypass", "redirect-ipv4"}) == NftCount{});

  std::string listed = list_ruleset();
  const std::string zero = "counter packets 0 bytes 0";
  listed.replace(listed.find(zero), zero.size(), "counter packets 4294967296 bytes 180");
  nft("flush ruleset");
  nft(listed);
  CHECK(nftables.observe() == want);
  CHECK(nftables.counts().at({"bypass", "redirect-first-ipv4"}) == NftCount{4294967296, 180});
}

TEST_CASE("a rule without its counter is not ours") {
  Nftables nftables;
  const KernelState want = redirect_first_state();
  nftables.made(want);
  std::string listed = list_ruleset();
  const std::string counter = "counter packets 0 bytes 0 ";
  listed.erase(listed.find(counter), counter.size());
  nft("flush ruleset");
  nft(listed);
  CHECK(nftables.observe() != want);
  CHECK(nftables.counts().size() == want.nft_rules.size() - 1);
}

}  // namespace
}  // namespace twobox::nft_test
