#include "reconciler/plan.h"

#include <algorithm>
#include <array>
#include <utility>

#include "reconciler/bypass_table.h"
#include "reconciler/describe.h"
#include "reconciler/diff.h"
#include "reconciler/draining.h"
#include "reconciler/servers_of.h"
#include "reconciler/sync_daemon.h"
#include "schema/bypass_sysctls.h"

namespace twobox {
namespace {

template <typename Key, typename Config>
bool is_delete(const ChangeOf<Key, Config>& change) {
  return !change.after.has_value();
}

/// Which phase a change belongs to. One overload for each kind.
class PhaseOf {
 public:
  explicit PhaseOf(const DesiredState& desired) : desired_(desired) {}

  Phase operator()(const AddressChange& change) const {
    const bool is_parked = change.key.interface == loopback();
    if (!is_delete(change)) return is_parked ? Phase::kPark : Phase::kVipOn;
    // A VIP that another node now holds is given up at once; one that left the document, or whose
    // new bypass does without lo, goes last.
    const bool is_in_document = desired_.vip_names.contains(change.key.prefix.address());
    return is_in_document && !is_parked ? Phase::kVipOff : Phase::kRetiredAddressGone;
  }
  Phase operator()(const IpvsServiceChange& change) const {
    return is_delete(change) ? Phase::kServicesGone : Phase::kServices;
  }
  Phase operator()(const RealServerChange& change) const {
    return is_delete(change) ? Phase::kServersGone : Phase::kServers;
  }
  Phase operator()(const SyncDaemonChange& change) const {
    if (change.key.state == SyncState::kMaster)
      return is_delete(change) ? Phase::kSyncBackup : Phase::kSyncMaster;
    // With backup-only this daemon is the bypass.
    if (!is_delete(change)) return is_backup_only() ? Phase::kBypassOn : Phase::kSyncBackup;
    return is_backup_only() ? Phase::kBypassOff : Phase::kBypassGone;
  }
  Phase operator()(const IpvsTimeoutsChange&) const { return Phase::kTimeouts; }
  Phase operator()(const NftElementChange& change) const {
    if (!is_delete(change)) return change.after->mark ? Phase::kMarksOn : Phase::kBypassOn;
    // The endpoint still has its service here: this node becomes its director.
    const auto* const endpoint = std::get_if<Endpoint>(&change.key.value);
    const bool still_served = endpoint != nullptr && holds_redirects(change.key.set) &&
                              desired_.kernel.ipvs_services.contains(IpvsServiceKey{*endpoint});
    return still_served ? Phase::kBypassOff : Phase::kBypassGone;
  }
  template <typename Key, typename Config>
  Phase operator()(const ChangeOf<Key, Config>& change) const
      requires(std::is_same_v<Key, NftTableKey> || std::is_same_v<Key, NftChainKey> ||
               std::is_same_v<Key, NftSetKey> || std::is_same_v<Key, NftRuleKey>) {
    return is_delete(change) ? Phase::kBypassGone : Phase::kBypassOn;
  }
  Phase operator()(const SysctlChange& change) const {
    return desired_.kernel.sysctls.contains(change.key) ? Phase::kHoldSysctls
                                                        : Phase::kReleaseSysctls;
  }

 private:
  bool is_backup_only() const {
    const auto found = desired_.kernel.sysctls.find(SysctlKey{kBackupOnlySysctl});
    return found != desired_.kernel.sysctls.end() && found->second.value == "1";
  }

  const DesiredState& desired_;
};

/// Within a phase nftables objects are made from the outside in and removed from the inside out.
int depth(const Change& change) {
  constexpr std::array<int, std::variant_size_v<Change>> kDepth = {
      /*address*/ 0, /*service*/ 0, /*server*/ 1,  /*daemon*/ 0, /*timeouts*/ 0,
      /*table*/ 1,
      /*chain*/ 2,   /*set*/ 3,     /*element*/ 4, /*rule*/ 5,   /*sysctl*/ 0};
  // Who takes over from a server comes before it loses its weight.
  const auto* const server = std::get_if<RealServerChange>(&change);
  const bool yields = server != nullptr && server->after && server->after->weight == 0;
  const int rank = yields ? 2 : kDepth.at(change.index());
  const bool deleted = std::visit([](const auto& of) { return is_delete(of); }, change);
  // Deletes come first: a batch that replaces an object frees its name before it is taken again.
  return deleted ? -rank : rank;
}

void sort_into_order(std::vector<Step>& steps) {
  const auto place = [](const Step& step) { return std::pair(step.phase, depth(step.change)); };
  // A new table of thousands comes in order, and steps are large to move about.
  if (!std::ranges::is_sorted(steps, {}, place)) std::ranges::stable_sort(steps, {}, place);
}

/// As managed() has it.
KernelState without_ipvs_tables(const KernelState& state) {
  KernelState rest;
  rest.addresses = state.addresses;
  rest.ipvs_daemons = state.ipvs_daemons;
  rest.ipvs_timeouts = state.ipvs_timeouts;
  rest.nft_tables = state.nft_tables;
  rest.nft_chains = state.nft_chains;
  rest.nft_sets = state.nft_sets;
  rest.nft_elements = state.nft_elements;
  rest.nft_rules = state.nft_rules;
  rest.sysctls = state.sysctls;
  return rest;
}

/// Fills in what the document leaves to the kernel from what the kernel has, so that it never shows
/// as a difference.
KernelState completed(const DesiredState& desired, const KernelState& live) {
  KernelState want = without_ipvs_tables(desired.kernel);
  for (auto& [key, timeouts] : want.ipvs_timeouts) {
    const auto found = live.ipvs_timeouts.find(key);
    if (found == live.ipvs_timeouts.end()) continue;
    if (timeouts.tcp == 0) timeouts.tcp = found->second.tcp;
    if (timeouts.tcp_fin == 0) timeouts.tcp_fin = found->second.tcp_fin;
    if (timeouts.udp == 0) timeouts.udp = found->second.udp;
  }
  for (auto& [key, daemon] : want.ipvs_daemons) {
    const auto found = live.ipvs_daemons.find(key);
    if (found != live.ipvs_daemons.end() && daemon.max_length == 0)
      daemon.max_length = found->second.max_length;
  }
  return want;
}

/// Sysctls we held and the document no longer names go back to what they were, unless somebody else
/// has changed them since.
void release_sysctls(KernelState& want, const KernelState& have, const OwnershipRecord& record) {
  for (const auto& [key, live] : have.sysctls) {
    if (want.sysctls.contains(key)) continue;
    const auto held = record.sysctls.find(key);
    const bool ours =
        held != record.sysctls.end() && held->second.before && held->second.explains(live.value);
    want.sysctls[key] = SysctlConfig{ours ? *held->second.before : live.value};
  }
}

void forget_nft_contents(KernelState& state) {
  state.nft_chains.clear();
  state.nft_sets.clear();
  state.nft_elements.clear();
  state.nft_rules.clear();
}

template <typename Key, typename Config>
const Key* first_edited(const std::map<Key, Config>& want, const std::map<Key, Config>& have) {
  for (const auto& [key, config] : want) {
    const auto found = have.find(key);
    if (found != have.end() && found->second != config) return &key;
  }
  return nullptr;
}

/// The kernel edits no chain's hook and no set's type in place: when one is wrong, the table is
/// made anew, in one batch. Returns why, or "" when there is no need.
std::string rebuild_reason(const KernelState& want, const KernelState& have) {
  if (want.nft_tables.empty() || have.nft_tables.empty()) return "";
  if (want.nft_tables != have.nft_tables) return "its flags were changed; the table is made anew";
  if (const auto* chain = first_edited(want.nft_chains, have.nft_chains))
    return "chain " + chain->name + " was changed; the table is made anew";
  if (const auto* set = first_edited(want.nft_sets, have.nft_sets))
    return "set " + set->name + " was changed; the table is made anew";
  return "";
}

/// These services and their real servers.
KernelState part_of(const KernelState& state, const std::set<IpvsServiceKey>& services) {
  KernelState part;
  for (const IpvsServiceKey& key : services) {
    const auto service = state.ipvs_services.find(key);
    if (service != state.ipvs_services.end()) part.ipvs_services.insert(*service);
    const auto [first, last] = servers_of(state.ipvs_servers, key);
    part.ipvs_servers.insert(first, last);
  }
  return part;
}

class Planner {
 public:
  explicit Planner(const DesiredState& desired) : desired_(desired), phase_of_(desired) {}

  template <typename Key, typename Config>
  void add(const std::map<Key, Config>& want, const std::map<Key, Config>& have) {
    add_all(diff(want, have));
  }

  void add_ipvs(const ObservedState& observed, const OwnershipRecord& record) {
    const auto& services = desired_.kernel.ipvs_services;
    add_services(services, observed.kernel.ipvs_services, record);
    // A service's real servers go with it: the kernel unlinks them, so they need no step.
    const auto may_go = [&](const RealServerKey& server) {
      return services.contains(server.service);
    };
    const auto& there = observed.kernel.ipvs_servers;
    auto kept = kept_servers(desired_, there, observed.connections);
    if (kept.empty()) return add_all(diff(desired_.kernel.ipvs_servers, there, may_go));
    kept.insert(desired_.kernel.ipvs_servers.begin(), desired_.kernel.ipvs_servers.end());
    add_all(diff(kept, there, may_go));
  }

  /// Of these services alone; none of their real servers is to stay for a while.
  void add_ipvs_of(const std::set<IpvsServiceKey>& services, const KernelState& observed,
                   const OwnershipRecord& record) {
    const KernelState want = part_of(desired_.kernel, services);
    const KernelState have = part_of(observed, services);
    add_services(want.ipvs_services, have.ipvs_services, record);
    add_all(diff(want.ipvs_servers, have.ipvs_servers, [&](const RealServerKey& server) {
      return want.ipvs_services.contains(server.service);
    }));
  }

  void add_nft(const KernelState& want, KernelState have) {
    const std::string rebuild = rebuild_reason(want, have);
    if (!rebuild.empty()) {
      const auto& [key, before] = *have.nft_tables.begin();
      add_step(NftTableChange{key, before, want.nft_tables.at(key)}, rebuild);
      forget_nft_contents(have);
    } else {
      // Deleting the table deletes all that is in it.
      if (want.nft_tables.empty()) forget_nft_contents(have);
      add(want.nft_tables, have.nft_tables);
    }
    add(want.nft_chains, have.nft_chains);
    add(want.nft_sets, have.nft_sets);
    add(want.nft_elements, have.nft_elements);
    add(want.nft_rules, have.nft_rules);
  }

  void add(std::vector<SyncDaemonChange> restarts, const std::string& reason) {
    for (SyncDaemonChange& restart : restarts) add_step(std::move(restart), reason);
  }

  std::vector<Step> take() {
    sort_into_order(steps_);
    return std::move(steps_);
  }

 private:
  void add_services(const std::map<IpvsServiceKey, IpvsServiceConfig>& want,
                    const std::map<IpvsServiceKey, IpvsServiceConfig>& have,
                    const OwnershipRecord& record) {
    add_all(diff(want, have, [&](const IpvsServiceKey& service) {
      return may_remove(service, desired_, record);
    }));
  }

  template <typename ChangeType>
  void add_all(std::vector<ChangeType> changes) {
    steps_.reserve(steps_.size() + changes.size());
    for (ChangeType& change : changes) add_step(std::move(change), "");
  }

  template <typename ChangeType>
  void add_step(ChangeType change, std::string reason) {
    const Phase phase = phase_of_(change);
    if (reason.empty()) reason = reason_of(change, desired_);
    steps_.push_back({phase, std::move(change), std::move(reason)});
  }

  const DesiredState& desired_;
  PhaseOf phase_of_;
  std::vector<Step> steps_;
};

}  // namespace

std::string_view to_string(Phase phase) {
  constexpr std::array<std::string_view, 17> kNames = {
      "hold-sysctls", "park",         "bypass-on",     "services",     "servers",        "timeouts",
      "marks-on",     "servers-gone", "services-gone", "sync-master",  "bypass-off",     "vip-off",
      "vip-on",       "sync-backup",  "bypass-gone",   "address-gone", "release-sysctls"};
  return kNames.at(static_cast<std::size_t>(phase));
}

Plan make_plan(const DesiredState& desired, const ObservedState& observed,
               const OwnershipRecord& record, const ServicesInQuestion& in_question) {
  const KernelState have = managed(observed, desired, record);
  Plan plan;
  plan.foreign = foreign(observed, desired, record, have);

  KernelState want = completed(desired, observed.kernel);
  release_sysctls(want, have, record);

  Planner planner(desired);
  planner.add(want.sysctls, have.sysctls);
  if (in_question && desired.leaving.empty() && desired.untouched.empty())
    planner.add_ipvs_of(*in_question, observed.kernel, record);
  else
    planner.add_ipvs(observed, record);
  planner.add(want.ipvs_timeouts, have.ipvs_timeouts);
  planner.add(want.ipvs_daemons, have.ipvs_daemons);
  planner.add(stranded_sync_daemons(want, have, observed.links, record),
              "its interface was made anew, and it still holds on to the old one");
  planner.add_nft(want, have);
  planner.add(want.addresses, have.addresses);
  plan.steps = planner.take();
  return plan;
}

}  // namespace twobox
