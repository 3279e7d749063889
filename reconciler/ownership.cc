#include "reconciler/ownership.h"

#include <algorithm>

#include "reconciler/describe.h"
#include "reconciler/diff.h"
#include "reconciler/sync_daemon.h"

namespace twobox {
namespace {

template <typename Key, typename Config>
std::set<Key> claimed(const std::set<Key>& recorded, const std::map<Key, Config>& desired,
                      const std::map<Key, Config>& observed) {
  // All are in the order of their keys, so that thousands need no searches.
  std::set<Key> keys;
  for (const auto& [key, config] : desired) keys.insert(keys.end(), key);
  auto wanted = keys.begin();
  for (const Key& key : recorded) {
    while (wanted != keys.end() && *wanted < key) ++wanted;
    const bool is_wanted = wanted != keys.end() && *wanted == key;
    if (!is_wanted && observed.contains(key)) keys.insert(wanted, key);
  }
  return keys;
}

std::map<SysctlKey, HeldSysctl> claimed_sysctls(const std::map<SysctlKey, HeldSysctl>& recorded,
                                                const std::map<SysctlKey, SysctlConfig>& desired,
                                                const std::map<SysctlKey, SysctlConfig>& observed) {
  std::map<SysctlKey, HeldSysctl> held;
  for (const auto& [key, entry] : recorded) {
    const auto live = observed.find(key);
    // Once back at its old value, or changed by somebody else, it is no longer ours.
    const bool still_ours = live != observed.end() && entry.explains(live->second.value) &&
                            entry.before != live->second.value;
    if (still_ours || desired.contains(key)) held.emplace(key, entry);
  }
  for (const auto& [key, config] : desired) {
    const auto live = observed.find(key);
    std::optional<std::string> before;
    if (live != observed.end()) before = live->second.value;
    HeldSysctl& entry = held.try_emplace(key, HeldSysctl{before, config.value}).first->second;
    const bool is_to_change = before && *before != config.value && entry.explains(*before);
    entry.replaces = is_to_change ? before : std::nullopt;
    entry.held = config.value;
  }
  return held;
}

/// A daemon that runs already is taken to have been started on the interface there is now, unless
/// the record knows better.
std::map<SyncDaemonKey, SyncDaemonStart> claimed_daemons(
    const std::map<SyncDaemonKey, SyncDaemonStart>& recorded,
    const std::map<SyncDaemonKey, SyncDaemonConfig>& desired, const ObservedState& observed) {
  std::map<SyncDaemonKey, SyncDaemonConfig> ours = desired;
  for (const auto& [key, config] : observed.kernel.ipvs_daemons)
    if (desired.contains(key) || recorded.contains(key)) ours.insert_or_assign(key, config);
  std::map<SyncDaemonKey, SyncDaemonStart> starts;
  for (const auto& [key, config] : ours) {
    const auto known = recorded.find(key);
    const bool runs = observed.kernel.ipvs_daemons.contains(key);
    if (runs && known != recorded.end() && known->second != SyncDaemonStart{})
      starts.insert(*known);
    else
      starts.emplace(key, SyncDaemonStart{interface_index(observed.links, config.interface)});
  }
  return starts;
}

template <typename Key, typename Config, typename Recorded>
bool wanted_or_recorded(const Key& key, const std::map<Key, Config>& desired,
                        const Recorded& recorded) {
  return desired.contains(key) || recorded.contains(key);
}

void manage_ipvs(KernelState& result, const KernelState& live, const DesiredState& desired,
                 const OwnershipRecord& record) {
  for (const auto& [key, config] : live.ipvs_daemons)
    if (desired.manages_sync_daemon ||
        wanted_or_recorded(key, desired.kernel.ipvs_daemons, record.ipvs_daemons))
      result.ipvs_daemons.emplace(key, config);
  if (!desired.kernel.ipvs_timeouts.empty()) result.ipvs_timeouts = live.ipvs_timeouts;
}

/// True where somebody else moves a VIP: even one that we once put there is theirs now.
bool is_followed(const AddressKey& key, const DesiredState& desired) {
  const auto followed = desired.followed.find(key.prefix.address());
  return followed != desired.followed.end() && followed->second == key.interface;
}

bool may_change(const AddressKey& key, const DesiredState& desired, const OwnershipRecord& record) {
  return !is_followed(key, desired) &&
         wanted_or_recorded(key, desired.kernel.addresses, record.addresses);
}

}  // namespace

OwnershipRecord claim(const OwnershipRecord& record, const DesiredState& desired,
                      const ObservedState& observed) {
  const KernelState& want = desired.kernel;
  const KernelState& live = observed.kernel;
  std::set<AddressKey> addresses = claimed(record.addresses, want.addresses, live.addresses);
  std::erase_if(addresses, [&](const AddressKey& key) { return is_followed(key, desired); });
  return {std::move(addresses),
          claimed(record.ipvs_services, want.ipvs_services, live.ipvs_services),
          claimed_daemons(record.ipvs_daemons, want.ipvs_daemons, observed),
          claimed_sysctls(record.sysctls, want.sysctls, live.sysctls)};
}

bool may_remove(const IpvsServiceKey& key, const DesiredState& desired,
                const OwnershipRecord& record) {
  return desired.prune == Prune::kAll || record.ipvs_services.contains(key);
}

KernelState managed(const ObservedState& observed, const DesiredState& desired,
                    const OwnershipRecord& record) {
  const KernelState& live = observed.kernel;
  KernelState result;
  for (const auto& [key, config] : live.addresses)
    if (may_change(key, desired, record)) result.addresses.emplace(key, config);
  manage_ipvs(result, live, desired, record);
  result.nft_tables = live.nft_tables;
  result.nft_chains = live.nft_chains;
  result.nft_sets = live.nft_sets;
  result.nft_elements = live.nft_elements;
  result.nft_rules = live.nft_rules;
  for (const auto& [key, config] : live.sysctls)
    if (desired.kernel.sysctls.contains(key) || record.sysctls.contains(key))
      result.sysctls.emplace(key, config);
  return result;
}

namespace {

/// IPVS looks a packet's mark up first and then falls through to its address, port 0 and FTP
/// included (net/netfilter/ipvs/ip_vs_ctl.c, ip_vs_service_find), so an unmarked packet from a peer
/// would be scheduled again.
bool defeats_mac_mark(const IpvsServiceKey& key, const DesiredState& desired) {
  const auto* const endpoint = std::get_if<Endpoint>(&key);
  if (endpoint == nullptr) return false;
  const auto vip = desired.vip_names.find(endpoint->address);
  if (vip == desired.vip_names.end()) return false;
  return std::ranges::any_of(desired.mark_names,
                             [&](const auto& mark) { return mark.second == vip->second; });
}

std::string foreign_service_reason(const IpvsServiceKey& key, const DesiredState& desired) {
  if (!defeats_mac_mark(key, desired)) return "not in the document and not made by twobox";
  const auto& endpoint = std::get<Endpoint>(key);
  return "defeats the bypass of vip " + desired.vip_names.at(endpoint.address) +
         ": it schedules what a peer has forwarded. Remove it, or let \"prune\": \"all\" do so";
}

}  // namespace

std::vector<ForeignObject> foreign(const ObservedState& observed, const DesiredState& desired,
                                   const OwnershipRecord& record,
                                   const KernelState& managed_state) {
  std::vector<ForeignObject> found;
  for (const auto& [key, config] : observed.kernel.addresses) {
    const auto vip = desired.vip_names.find(key.prefix.address());
    if (vip != desired.vip_names.end() && !managed_state.addresses.contains(key) &&
        !is_followed(key, desired))
      found.push_back({key, "the address of vip " + vip->second + ", not made by twobox"});
  }
  for_each_difference(
      desired.kernel.ipvs_services, observed.kernel.ipvs_services,
      [&](const auto* wanted, const auto* there) {
        if (wanted == nullptr && !may_remove(there->first, desired, record))
          found.push_back({there->first, foreign_service_reason(there->first, desired)});
        return true;
      });
  for (const auto& [key, config] : observed.kernel.ipvs_daemons)
    if (!managed_state.ipvs_daemons.contains(key))
      found.push_back({key, "the document has no sync daemon"});
  return found;
}

Scope scope_of(const DesiredState& desired, const OwnershipRecord& record) {
  Scope scope;
  scope.dropping_chains = !desired.followed.empty();
  scope.connections = !desired.leaving.empty();
  for (const auto& [key, config] : desired.kernel.sysctls) scope.sysctls.insert(key);
  for (const auto& [key, held] : record.sysctls) scope.sysctls.insert(key);
  return scope;
}

}  // namespace twobox
