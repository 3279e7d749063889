#include "reconciler/bypass_table.h"

namespace twobox {
namespace {

// Not "redirect": that is a keyword of nft, which could then not load its own listing again.
constexpr char kRedirectChain[] = "bypass";
// The priority that nft calls dstnat (NF_IP_PRI_NAT_DST, include/uapi/linux/netfilter_ipv4.h): long
// before IPVS, which hooks LOCAL_IN.
constexpr std::int32_t kDestinationNatPriority = -100;

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

}  // namespace twobox
