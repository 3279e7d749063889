#include "tests/support/fake_kernel.h"

#include <cerrno>

#include "reconciler/describe.h"

namespace twobox::testing {
namespace {

template <typename Key, typename Config>
void set(std::map<Key, Config>& objects, const ChangeOf<Key, Config>& change) {
  if (change.after) {
    objects.insert_or_assign(change.key, *change.after);
  } else {
    objects.erase(change.key);
  }
}

class Execute {
 public:
  explicit Execute(KernelState& kernel) : kernel_(kernel) {}

  void operator()(const AddressChange& change) { set(kernel_.addresses, change); }
  void operator()(const IpvsServiceChange& change) {
    set(kernel_.ipvs_services, change);
    if (change.after) return;
    std::erase_if(kernel_.ipvs_servers,
                  [&](const auto& server) { return server.first.service == change.key; });
  }
  void operator()(const RealServerChange& change) { set(kernel_.ipvs_servers, change); }
  void operator()(const SyncDaemonChange& change) { set(kernel_.ipvs_daemons, change); }
  void operator()(const IpvsTimeoutsChange& change) { set(kernel_.ipvs_timeouts, change); }
  void operator()(const NftTableChange& change) {
    if (change.before) {
      kernel_.nft_chains.clear();
      kernel_.nft_sets.clear();
      kernel_.nft_elements.clear();
      kernel_.nft_rules.clear();
    }
    set(kernel_.nft_tables, change);
  }
  void operator()(const NftChainChange& change) { set(kernel_.nft_chains, change); }
  void operator()(const NftSetChange& change) { set(kernel_.nft_sets, change); }
  void operator()(const NftElementChange& change) {
    // Adding what is there leaves it as it is; what a change replaces is deleted first.
    const bool adds = !change.before && change.after;
    if (!adds || !kernel_.nft_elements.contains(change.key)) set(kernel_.nft_elements, change);
  }
  void operator()(const NftRuleChange& change) { set(kernel_.nft_rules, change); }
  void operator()(const SysctlChange& change) { set(kernel_.sysctls, change); }

 private:
  KernelState& kernel_;
};

Error refused(const std::string& name, int code) {
  return {ErrorKind::kKernelRefused, code, name + ": refused by the test"};
}

}  // namespace

Result<ObservedState> FakeKernel::observe(const Scope& scope) {
  if (unreadable) return *unreadable;
  read.push_back(Parts::all());
  ObservedState seen = state;
  std::erase_if(seen.kernel.sysctls,
                [&](const auto& sysctl) { return !scope.sysctls.contains(sysctl.first); });
  if (!scope.dropping_chains) seen.dropping_chains.reset();
  if (!scope.connections) seen.connections.clear();
  return seen;
}

Result<ObservedState> FakeKernel::observe_again(ObservedState last, const Scope& scope,
                                                const Parts& parts) {
  auto now = observe(scope);
  if (!now) return now;
  read.back() = parts;
  if (!parts.ipvs && parts.ipvs_services.empty()) {
    now->ipvs_loaded = last.ipvs_loaded;
    now->kernel.ipvs_services = std::move(last.kernel.ipvs_services);
    now->kernel.ipvs_servers = std::move(last.kernel.ipvs_servers);
    now->kernel.ipvs_daemons = std::move(last.kernel.ipvs_daemons);
    now->kernel.ipvs_timeouts = std::move(last.kernel.ipvs_timeouts);
  }
  if (!parts.nftables) {
    now->nft_rule_handles = std::move(last.nft_rule_handles);
    now->nft_counts = std::move(last.nft_counts);
    now->kernel.nft_tables = std::move(last.kernel.nft_tables);
    now->kernel.nft_chains = std::move(last.kernel.nft_chains);
    now->kernel.nft_sets = std::move(last.kernel.nft_sets);
    now->kernel.nft_elements = std::move(last.kernel.nft_elements);
    now->kernel.nft_rules = std::move(last.kernel.nft_rules);
  }
  if (!parts.other_tables) now->dropping_chains = std::move(last.dropping_chains);
  return now;
}

Result<Machine> FakeKernel::observe_machine() {
  if (unreadable) return *unreadable;
  return Machine{state.links, state.kernel.addresses};
}

Result<Traffic> FakeKernel::observe_traffic() {
  if (unreadable) return *unreadable;
  return traffic;
}

std::vector<Status> FakeKernel::apply(Subsystem subsystem, std::span<const Change> changes,
                                      const std::map<NftRuleKey, std::uint64_t>&) {
  std::vector<Status> outcomes;
  bool all_good = true;
  KernelState next = state.kernel;
  for (const Change& change : changes) {
    const std::string name = object_name(change);
    if (const auto found = refuse.find(name); found != refuse.end()) {
      outcomes.emplace_back(refused(name, found->second));
      all_good = false;
    } else {
      std::visit(Execute(next), change);
      outcomes.emplace_back(success());
    }
  }
  if (subsystem == Subsystem::kNftables && !all_good) {
    for (Status& outcome : outcomes)
      if (outcome) outcome = Error{ErrorKind::kKernelRefused, ECANCELED, "with the batch"};
  } else {
    state.kernel = std::move(next);
  }
  return outcomes;
}

Status FakeKernel::announce(const InterfaceName& interface, const IpAddress& address, int) {
  announced.push_back({interface, IpPrefix::host(address)});
  return success();
}

Status MemoryOwnership::save(const OwnershipRecord& record) {
  if (full_disk) return Error{ErrorKind::kTransport, ENOSPC, "no space left on device"};
  record_ = record;
  return success();
}

}  // namespace twobox::testing
