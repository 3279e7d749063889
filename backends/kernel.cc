#include "backends/kernel.h"

#include <utility>

#include "backends/address/backend.h"
#include "backends/announce/announce.h"
#include "backends/ipvs/backend.h"
#include "backends/modules.h"
#include "backends/nftables/backend.h"
#include "backends/sysctl/backend.h"

namespace twobox {
namespace {

/// These sysctls appear with the module ip_vs, and only then.
constexpr std::string_view kIpvsSysctls = "net.ipv4.vs.";

bool needs_ipvs(std::span<const Change> changes) {
  for (const Change& change : changes)
    if (const auto* sysctl = std::get_if<SysctlChange>(&change);
        sysctl != nullptr && sysctl->key.name.starts_with(kIpvsSysctls))
      return true;
  return false;
}

class Kernel : public LiveKernel {
 public:
  Kernel(AddressBackend address, IpvsBackend ipvs, NftablesBackend nftables)
      : address_(std::move(address)), ipvs_(std::move(ipvs)), nftables_(std::move(nftables)) {}

  Result<ObservedState> observe(const Scope& scope) override {
    return observe_again({}, scope, Parts::all());
  }

  Result<ObservedState> observe_again(ObservedState state, const Scope& scope,
                                      const Parts& parts) override {
    SettingsByInterface settings;
    if (const Status read = address_.observe(state.kernel, state.links, settings); !read)
      return with_context(read.error(), "read addresses");
    if (parts.ipvs) {
      if (const Status read = ipvs_.observe(state.kernel, state.ipvs_loaded); !read)
        return with_context(read.error(), "read ipvs");
    }
    if (!parts.ipvs && !parts.ipvs_services.empty()) {
      if (const Status read =
              ipvs_.observe_services(parts.ipvs_services, state.kernel, state.ipvs_loaded);
          !read)
        return with_context(read.error(), "read ipvs");
    }
    state.connections.clear();
    if (scope.connections) {
      const auto traffic = ipvs_.observe_traffic();
      if (!traffic) return with_context(traffic.error(), "read connections");
      for (const auto& [server, of] : traffic->servers)
        state.connections[server] = {of.active_connections, of.inactive_connections};
    }
    if (parts.nftables) {
      if (const Status read =
              nftables_.observe(state.kernel, state.nft_rule_handles, state.nft_counts);
          !read)
        return with_context(read.error(), "read nftables");
    }
    if (parts.other_tables || !scope.dropping_chains) state.dropping_chains.reset();
    if (parts.other_tables && scope.dropping_chains) {
      if (auto read = nftables_.dropping_chains()) state.dropping_chains = *std::move(read);
    }
    const auto known = [&settings](const SysctlKey& key) { return find_setting(settings, key); };
    if (const Status read = sysctl_.observe(scope.sysctls, known, state.kernel); !read)
      return with_context(read.error(), "read sysctls");
    return state;
  }

  Result<Machine> observe_machine() override {
    KernelState state;
    Machine machine;
    SettingsByInterface settings;
    if (const Status read = address_.observe(state, machine.links, settings); !read)
      return with_context(read.error(), "read addresses");
    machine.addresses = std::move(state.addresses);
    return machine;
  }

  Result<Traffic> observe_traffic() override {
    auto traffic = ipvs_.observe_traffic();
    if (!traffic) return traffic.error();
    auto counts = nftables_.observe_counts();
    if (!counts) return counts.error();
    traffic->nft_counts = *std::move(counts);
    return traffic;
  }

  std::vector<Status> apply(Subsystem subsystem, std::span<const Change> changes,
                            const std::map<NftRuleKey, std::uint64_t>& handles) override {
    switch (subsystem) {
      case Subsystem::kAddress:
        return address_.apply(changes);
      case Subsystem::kIpvs:
        return ipvs_.apply(changes);
      case Subsystem::kNftables:
        return nftables_.apply(changes, handles);
      case Subsystem::kSysctl:
        break;
    }
    // A failure shows where it matters: as a sysctl that does not exist.
    if (needs_ipvs(changes)) static_cast<void>(load_kernel_module("ip_vs"));
    return sysctl_.apply(changes);
  }

  Status announce(const InterfaceName& interface, const IpAddress& address, int count) override {
    return twobox::announce(interface, address, count);
  }

  OwnPorts own_ports() const override { return {address_.port(), nftables_.port()}; }

 private:
  AddressBackend address_;
  IpvsBackend ipvs_;
  NftablesBackend nftables_;
  SysctlBackend sysctl_;
};

}  // namespace

Result<std::unique_ptr<LiveKernel>> open_kernel() {
  auto address = AddressBackend::open();
  if (!address) return with_context(address.error(), "open rtnetlink");
  auto ipvs = IpvsBackend::open();
  if (!ipvs) return with_context(ipvs.error(), "open ipvs");
  auto nftables = NftablesBackend::open();
  if (!nftables) return with_context(nftables.error(), "open nftables");
  return std::unique_ptr<LiveKernel>(
      std::make_unique<Kernel>(*std::move(address), *std::move(ipvs), *std::move(nftables)));
}

}  // namespace twobox
