#include "tests/support/packet_firewall.h"

#include <algorithm>

namespace twobox::testing {
namespace {

constexpr std::uint32_t kDormantTable = 1;  // NFT_TABLE_F_DORMANT, linux/netfilter/nf_tables.h
// IPVS hooks LOCAL_IN at NF_IP_PRI_NAT_SRC - 2 and - 1 (ip_vs_core.c).
constexpr std::int32_t kIpvsPriority = 98;

Side side_of(std::int32_t priority) {
  return priority < kIpvsPriority ? Side::kBeforeIpvs : Side::kBehindIpvs;
}

}  // namespace

std::optional<std::string> Firewall::run(NftHook hook, Side side) {
  const auto table = kernel_.nft_tables.find(NftTableKey{});
  if (table == kernel_.nft_tables.end() || (table->second.flags & kDormantTable) != 0)
    return std::nullopt;
  for (const auto& [priority, name] : chains_of(hook, side)) {
    run_rules(name);
    if (drop_) return drop_;
    if (!is_accepted_ && !kernel_.nft_chains.at(NftChainKey{name}).accept_policy)
      return "the policy of chain " + name;
  }
  return std::nullopt;
}

bool Firewall::operator()(const NftMarkFromMap& statement) {
  const auto* const found = is_of(statement.family) ? destination_in(statement.map) : nullptr;
  if (found == nullptr || !found->mark) return false;
  packet_.mark = *found->mark;
  notes_.add("mark " + std::to_string(packet_.mark));
  return true;
}

bool Firewall::operator()(const NftRedirect&) {
  const auto own = std::ranges::find(machine_.addresses, packet_.destination.address.family(),
                                     &IpAddress::family);
  if (own == machine_.addresses.end()) {
    drop_ = "a redirect without an address of its own";
    return false;
  }
  packet_.destination.address = *own;
  is_accepted_ = true;
  notes_.add("redirect");
  return true;
}

std::vector<std::pair<std::int32_t, std::string>> Firewall::chains_of(NftHook hook,
                                                                      Side side) const {
  std::vector<std::pair<std::int32_t, std::string>> chains;
  for (const auto& [key, chain] : kernel_.nft_chains)
    if (chain.hook == hook && (hook != NftHook::kInput || side_of(chain.priority) == side))
      chains.emplace_back(chain.priority, key.name);
  std::ranges::sort(chains);
  return chains;
}

void Firewall::run_rules(const std::string& chain) {
  is_accepted_ = false;
  for (const auto& [key, rule] : kernel_.nft_rules) {
    if (key.chain != chain) continue;
    for (const NftStatement& statement : rule.statements)
      if (!std::visit(*this, statement)) break;
    if (is_accepted_ || drop_) return;
  }
}

}  // namespace twobox::testing
