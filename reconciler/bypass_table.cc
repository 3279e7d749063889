#include "reconciler/bypass_table.h"

namespace twobox {
namespace {

// Not "redirect": that is a keyword of nft, which could then not load its own listing again.
constexpr char kRedirectChain[] = "bypass";
// The priority that nft calls dstnat (NF_IP_PRI_NAT_DST, include/uapi/linux/netfilter_ipv4.h): long
// before IPVS, which hooks LOCAL_IN.
constexpr std::int32_t kDestinationNatPriority = -100;

constexpr char kMacMarkChain[] = "mac-mark";
// What nft calls mangle (NF_IP_PRI_MANGLE): before filters, which may want to see the mark, and
// before IPVS at 99 (net/netfilter/ipvs/ip_vs_core.c, ip_vs_ops4).
constexpr std::int32_t kManglePriority = -150;
constexpr char kPeerMacs[] = "peer-macs";

constexpr char kMarkReason[] =
    ": IPVS schedules by mark, and what a peer forwarded was scheduled there: it goes unmarked";
constexpr char kRedirectReason[] =
    ": a backup answers itself, or its IPVS would schedule again what the master sent";

NftSetKeyType endpoint_type(AddressFamily family) {
  return family == AddressFamily::kIpv4 ? NftSetKeyType::kEndpointIpv4
                                        : NftSetKeyType::kEndpointIpv6;
}

void add_redirect_rule(KernelState& state, AddressFamily family) {
  const std::string set = redirect_set(family);
  state.nft_sets[NftSetKey{set}] = NftSetConfig{endpoint_type(family), false, 0};
  state.nft_rules[NftRuleKey{kRedirectChain, set}] =
      NftRuleConfig{{NftFamilyIs{family}, NftDestinationInSet{family, set}, NftRedirect{}},
                    set + kRedirectReason};
}

void add_mark_rule(KernelState& state, AddressFamily family) {
  const std::string map = mark_map(family);
  const std::string name = family == AddressFamily::kIpv4 ? "mark-ipv4" : "mark-ipv6";
  state.nft_sets[NftSetKey{map}] = NftSetConfig{endpoint_type(family), true, 0};
  state.nft_rules[NftRuleKey{kMacMarkChain, name}] =
      NftRuleConfig{{NftFamilyIs{family}, NftArrivesOverEthernet{},
                     NftEtherSourceNotInSet{kPeerMacs}, NftMarkFromMap{family, map}},
                    name + kMarkReason};
}

}  // namespace

std::string redirect_set(AddressFamily family) {
  return family == AddressFamily::kIpv4 ? "redirect-ipv4" : "redirect-ipv6";
}

void add_redirect_rules(KernelState& state) {
  state.nft_tables[NftTableKey{}] = NftTableConfig{};
  state.nft_chains[NftChainKey{kRedirectChain}] =
      NftChainConfig{"nat", NftHook::kPrerouting, kDestinationNatPriority, true};
  add_redirect_rule(state, AddressFamily::kIpv4);
  add_redirect_rule(state, AddressFamily::kIpv6);
}

void add_redirect(KernelState& state, const Endpoint& endpoint) {
  state.nft_elements[NftElementKey{redirect_set(endpoint.address.family()), endpoint}] = {};
}

std::string mark_map(AddressFamily family) {
  return family == AddressFamily::kIpv4 ? "marks-ipv4" : "marks-ipv6";
}

void add_mac_mark_rules(KernelState& state, const std::set<MacAddress>& peers) {
  state.nft_tables[NftTableKey{}] = NftTableConfig{};
  state.nft_chains[NftChainKey{kMacMarkChain}] =
      NftChainConfig{"filter", NftHook::kInput, kManglePriority, true};
  state.nft_sets[NftSetKey{kPeerMacs}] = NftSetConfig{NftSetKeyType::kEtherAddress, false, 0};
  for (const MacAddress& mac : peers) state.nft_elements[NftElementKey{kPeerMacs, mac}] = {};
  add_mark_rule(state, AddressFamily::kIpv4);
  add_mark_rule(state, AddressFamily::kIpv6);
}

void add_mark(KernelState& state, const Endpoint& endpoint, std::uint32_t mark) {
  NftElementConfig config;
  config.mark = mark;
  state.nft_elements[NftElementKey{mark_map(endpoint.address.family()), endpoint}] = config;
}

}  // namespace twobox
