#include "reconciler/bypass_table.h"

#include <netinet/in.h>

#include "schema/ip_protocol.h"

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

// Right before IPVS's first hook and right behind its last (98 and 99; ip_vs_core.c, ip_vs_ops4 and
// ip_vs_ops6): nobody else sees the packets in between. Not 99, because among hooks of one priority
// the one registered last runs first, and IPVS registers with its first service.
constexpr char kHideChain[] = "hide-from-ipvs";
constexpr std::int32_t kBeforeIpvs = 97;
constexpr char kRestoreChain[] = "restore-behind-ipvs";
constexpr std::int32_t kBehindIpvs = 100;

constexpr char kMarkReason[] =
    ": IPVS schedules by mark, and what a peer forwarded was scheduled there: it goes unmarked";
constexpr char kRedirectReason[] =
    ": a backup answers itself, or its IPVS would schedule again what the master sent";
constexpr char kRedirectFirstReason[] =
    ": a backup answers new connections itself; IPVS knows the others by sync";
constexpr char kRedirectPeersReason[] =
    ": what a peer sends was scheduled there; a second holder of the VIP does not schedule it again";
constexpr char kHideReason[] =
    ": IPVS, which knows no such protocol, must not find a peer's packet among old connections";
constexpr char kRestoreReason[] = ": the protocol is again what it was before IPVS";

NftSetKeyType endpoint_type(AddressFamily family) {
  return family == AddressFamily::kIpv4 ? NftSetKeyType::kEndpointIpv4
                                        : NftSetKeyType::kEndpointIpv6;
}

void add_redirect_rule(KernelState& state, AddressFamily family) {
  const std::string set = redirect_set(family);
  state.nft_sets[NftSetKey{set}] = NftSetConfig{endpoint_type(family), false, 0};
  state.nft_rules[NftRuleKey{kRedirectChain, set}] = NftRuleConfig{
      {NftFamilyIs{family}, NftDestinationInSet{family, set}, NftCounter{}, NftRedirect{}},
      set + kRedirectReason};
}

void add_redirect_first_rule(KernelState& state, AddressFamily family) {
  const std::string set = redirect_first_set(family);
  state.nft_sets[NftSetKey{set}] = NftSetConfig{endpoint_type(family), false, 0};
  state.nft_rules[NftRuleKey{kRedirectChain, set}] =
      NftRuleConfig{{NftFamilyIs{family}, NftDestinationInSet{family, set}, NftOpensTcpConnection{},
                     NftCounter{}, NftRedirect{}},
                    set + kRedirectFirstReason};
}

void add_peers(KernelState& state, const std::set<MacAddress>& peers) {
  state.nft_sets[NftSetKey{kPeerMacs}] = NftSetConfig{NftSetKeyType::kEtherAddress, false, 0};
  for (const MacAddress& mac : peers) state.nft_elements[NftElementKey{kPeerMacs, mac}] = {};
}

/// True for what is redirected only as the first packet of its connection.
bool is_first_only(RedirectOf packets, Protocol protocol) {
  return packets == RedirectOf::kFirstPacket && protocol == Protocol::kTcp;
}

std::string peer_redirect_set(AddressFamily family, bool first_only) {
  return std::string(first_only ? "peers-first" : "peers") +
         (family == AddressFamily::kIpv4 ? "-ipv4" : "-ipv6");
}

void add_mark_rule(KernelState& state, AddressFamily family) {
  const std::string map = mark_map(family);
  const std::string name = family == AddressFamily::kIpv4 ? "mark-ipv4" : "mark-ipv6";
  state.nft_sets[NftSetKey{map}] = NftSetConfig{endpoint_type(family), true, 0};
  state.nft_rules[NftRuleKey{kMacMarkChain, name}] =
      NftRuleConfig{{NftFamilyIs{family}, NftArrivesOverEthernet{},
                     NftEtherSourceNotInSet{kPeerMacs}, NftMarkFromMap{family, map}, NftCounter{}},
                    name + kMarkReason};
}

std::string forwarded_set(AddressFamily family) {
  return family == AddressFamily::kIpv4 ? "forwarded-ipv4" : "forwarded-ipv6";
}

/// Rules of one protocol, since each writes a number of its own.
void add_exchange_rules(KernelState& state, AddressFamily family, Protocol protocol) {
  const std::string suffix =
      std::string(to_string(protocol)) + (family == AddressFamily::kIpv4 ? "-ipv4" : "-ipv6");
  const std::uint8_t number = ip_protocol(protocol);
  const std::uint8_t hidden = hidden_protocol(protocol);
  state.nft_rules[NftRuleKey{kHideChain, "hide-" + suffix}] = {
      {NftFamilyIs{family}, NftArrivesOverEthernet{}, NftEtherSourceInSet{kPeerMacs},
       NftDestinationInSet{family, forwarded_set(family)}, NftHeaderProtocolIs{family, number},
       NftSetHeaderProtocol{family, hidden}, NftCounter{}},
      "hide-" + suffix + kHideReason};
  // Whatever was hidden, also if its endpoint has left the set meanwhile.
  state.nft_rules[NftRuleKey{kRestoreChain, "restore-" + suffix}] = {
      {NftHeaderVersionIs{family}, NftArrivesOverEthernet{}, NftEtherSourceInSet{kPeerMacs},
       NftHeaderProtocolIs{family, hidden}, NftSetHeaderProtocol{family, number}, NftCounter{}},
      "restore-" + suffix + kRestoreReason};
}

void add_exchange_chains(KernelState& state) {
  state.nft_chains[NftChainKey{kHideChain}] =
      NftChainConfig{"filter", NftHook::kInput, kBeforeIpvs, true};
  state.nft_chains[NftChainKey{kRestoreChain}] =
      NftChainConfig{"filter", NftHook::kInput, kBehindIpvs, true};
  for (const AddressFamily family : {AddressFamily::kIpv4, AddressFamily::kIpv6})
    state.nft_sets[NftSetKey{forwarded_set(family)}] =
        NftSetConfig{endpoint_type(family), false, 0};
}

}  // namespace

std::string redirect_set(AddressFamily family) {
  return family == AddressFamily::kIpv4 ? "redirect-ipv4" : "redirect-ipv6";
}

std::string redirect_first_set(AddressFamily family) {
  return family == AddressFamily::kIpv4 ? "redirect-first-ipv4" : "redirect-first-ipv6";
}

bool holds_redirects(const std::string& set) {
  for (const AddressFamily family : {AddressFamily::kIpv4, AddressFamily::kIpv6})
    if (set == redirect_set(family) || set == redirect_first_set(family)) return true;
  return false;
}

bool holds_peer_redirects(const std::string& set) {
  for (const AddressFamily family : {AddressFamily::kIpv4, AddressFamily::kIpv6})
    for (const bool first_only : {false, true})
      if (set == peer_redirect_set(family, first_only)) return true;
  return false;
}

bool is_redirected(const KernelState& state, const Endpoint& endpoint) {
  const AddressFamily family = endpoint.address.family();
  return state.nft_elements.contains({redirect_set(family), endpoint}) ||
         state.nft_elements.contains({redirect_first_set(family), endpoint});
}

void add_redirect_rules(KernelState& state, RedirectOf packets) {
  state.nft_tables[NftTableKey{}] = NftTableConfig{};
  state.nft_chains[NftChainKey{kRedirectChain}] =
      NftChainConfig{"nat", NftHook::kPrerouting, kDestinationNatPriority, true};
  add_redirect_rule(state, AddressFamily::kIpv4);
  add_redirect_rule(state, AddressFamily::kIpv6);
  if (packets == RedirectOf::kEveryPacket) return;
  add_redirect_first_rule(state, AddressFamily::kIpv4);
  add_redirect_first_rule(state, AddressFamily::kIpv6);
}

void add_redirect(KernelState& state, const Endpoint& endpoint, RedirectOf packets) {
  const AddressFamily family = endpoint.address.family();
  const bool first_only = is_first_only(packets, endpoint.protocol);
  state.nft_elements[NftElementKey{first_only ? redirect_first_set(family) : redirect_set(family),
                                   endpoint}] = {};
}

void add_peer_redirect(KernelState& state, const Endpoint& endpoint, RedirectOf packets,
                       const std::set<MacAddress>& peers) {
  const AddressFamily family = endpoint.address.family();
  const bool first_only = is_first_only(packets, endpoint.protocol);
  const std::string set = peer_redirect_set(family, first_only);
  add_peers(state, peers);
  state.nft_sets[NftSetKey{set}] = NftSetConfig{endpoint_type(family), false, 0};
  state.nft_elements[NftElementKey{set, endpoint}] = {};
  std::vector<NftStatement> statements = {NftFamilyIs{family}, NftArrivesOverEthernet{},
                                          NftEtherSourceInSet{kPeerMacs},
                                          NftDestinationInSet{family, set}};
  if (first_only) statements.emplace_back(NftOpensTcpConnection{});
  statements.insert(statements.end(), {NftCounter{}, NftRedirect{}});
  state.nft_rules[NftRuleKey{kRedirectChain, "redirect-" + set}] =
      NftRuleConfig{std::move(statements), "redirect-" + set + kRedirectPeersReason};
}

std::string mark_map(AddressFamily family) {
  return family == AddressFamily::kIpv4 ? "marks-ipv4" : "marks-ipv6";
}

void add_mac_mark_rules(KernelState& state, const std::set<MacAddress>& peers) {
  state.nft_tables[NftTableKey{}] = NftTableConfig{};
  state.nft_chains[NftChainKey{kMacMarkChain}] =
      NftChainConfig{"filter", NftHook::kInput, kManglePriority, true};
  add_peers(state, peers);
  add_mark_rule(state, AddressFamily::kIpv4);
  add_mark_rule(state, AddressFamily::kIpv6);
  add_exchange_chains(state);
}

void add_mark(KernelState& state, const Endpoint& endpoint, std::uint32_t mark) {
  const AddressFamily family = endpoint.address.family();
  NftElementConfig config;
  config.mark = mark;
  state.nft_elements[NftElementKey{mark_map(family), endpoint}] = config;
  state.nft_elements[NftElementKey{forwarded_set(family), endpoint}] = {};
  add_exchange_rules(state, family, endpoint.protocol);
}

}  // namespace twobox
