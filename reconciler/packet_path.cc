#include "reconciler/packet_path.h"

#include <algorithm>
#include <array>
#include <set>

#include "reconciler/describe.h"
#include "reconciler/service_key.h"
#include "schema/bypass_sysctls.h"

namespace twobox {
namespace {

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

/// Wanted objects that are not there as wanted. `of_interest`: which of the wanted count.
template <typename Key, typename Config, typename OfInterest>
std::vector<std::string> faults_in(const std::map<Key, Config>& want,
                                   const std::map<Key, Config>& have, OfInterest of_interest) {
  std::vector<std::string> faults;
  for (const auto& [key, config] : want) {
    if (!of_interest(key)) continue;
    const auto found = have.find(key);
    if (found == have.end()) faults.push_back(key_text(key) + " is missing");
    if (found != have.end() && found->second != config)
      faults.push_back(key_text(key) + " differs");
  }
  return faults;
}

class VipPath {
 public:
  VipPath(const NodeView& view, const Vip& vip, Role role)
      : view_(view), vip_(vip), address_(vip.address.address()), role_(role) {
    for (const Service& service : vip.services)
      services_.insert(service_key(vip, service, view.node));
  }

  std::vector<PathStep> steps() const {
    std::vector<PathStep> path = {arp()};
    if (vip_.bypass == Bypass::kMacMark) path.push_back(mark());
    if (vip_.bypass == Bypass::kRedirect) path.push_back(redirect());
    if (vip_.bypass == Bypass::kBackupOnly) path.push_back(backup_only());
    path.push_back(ipvs());
    path.push_back(deliver());
    return path;
  }

 private:
  using Texts = std::vector<std::string>;

  bool is_master() const { return role_ == Role::kMaster; }
  /// A backup's packets pass IPVS by; with mac-mark and without bypass it would schedule.
  bool bypassed() const {
    return !is_master() && (vip_.bypass == Bypass::kRedirect || vip_.bypass == Bypass::kBackupOnly);
  }

  static PathStep step(std::string name, const Texts& faults, StepState good, std::string text,
                       std::optional<std::uint64_t> packets = std::nullopt) {
    if (faults.empty()) return {std::move(name), good, std::move(text), packets};
    return {std::move(name), StepState::kBroken, joined(faults), packets};
  }

  bool on_wire() const {
    return std::ranges::any_of(view_.observed.kernel.addresses, [&](const auto& entry) {
      return entry.first.interface == vip_.interface && entry.first.prefix.address() == address_;
    });
  }

  /// The sysctls that keep a VIP on lo from being answered for on the wire.
  Texts sysctl_faults() const {
    std::set<SysctlKey> keys;
    for (const auto& [name, value] : bypass_sysctls(view_.document, vip_))
      keys.insert(SysctlKey{name});
    return faults_in(view_.desired.kernel.sysctls, view_.observed.kernel.sysctls,
                     [&](const SysctlKey& key) { return keys.contains(key); });
  }

  PathStep arp() const {
    const std::string where = address_.to_string() + " is on " + vip_.interface.str();
    Texts faults = sysctl_faults();
    std::erase_if(faults, [](const std::string& fault) {
      return fault.find(".arp_") == std::string::npos;  // backup_only has a step of its own
    });
    if (on_wire() != is_master()) {
      faults.push_back(is_master() ? "this node is master, but not " + where +
                                         ": it does not answer for the VIP"
                                   : "this node is not master, but " + where +
                                         ": it answers for the VIP beside the master");
    }
    if (is_master())
      return step("arp", faults, StepState::kActive, where + ": this node answers for the VIP");
    return step("arp", faults, StepState::kIdle,
                "another node answers for the VIP; what comes here, the master has forwarded");
  }

  /// Rules, sets and chains are shared by all VIPs; of elements those of this VIP count, and the
  /// peers' MACs.
  Texts table_faults() const {
    const KernelState& want = view_.desired.kernel;
    const KernelState& have = view_.observed.kernel;
    const auto all = [](const auto&) { return true; };
    Texts faults = faults_in(want.nft_tables, have.nft_tables, all);
    // Without the table nothing else is there; one fault says it.
    if (!faults.empty()) return faults;
    for (Texts found : {faults_in(want.nft_chains, have.nft_chains, all),
                        faults_in(want.nft_sets, have.nft_sets, all),
                        faults_in(want.nft_rules, have.nft_rules, all),
                        faults_in(want.nft_elements, have.nft_elements,
                                  [&](const NftElementKey& key) { return concerns_vip(key); })})
      faults.insert(faults.end(), found.begin(), found.end());
    for (const auto& [key, config] : have.nft_elements)
      if (concerns_vip(key) && !want.nft_elements.contains(key))
        faults.push_back(key_text(key) + " should not be there");
    return faults;
  }

  bool concerns_vip(const NftElementKey& key) const {
    const auto* const endpoint = std::get_if<Endpoint>(&key.value);
    return endpoint == nullptr || endpoint->address == address_;
  }

  /// Packets that rules with a statement of this kind have taken, of the VIP's family.
  template <typename Statement>
  std::optional<std::uint64_t> rule_packets() const {
    std::optional<std::uint64_t> packets;
    for (const auto& [key, config] : view_.desired.kernel.nft_rules) {
      const auto& parts = config.statements;
      const bool of_kind = std::ranges::any_of(
          parts, [](const NftStatement& part) { return std::holds_alternative<Statement>(part); });
      const bool of_family =
          std::ranges::find(parts, NftStatement{NftFamilyIs{address_.family()}}) != parts.end();
      const auto count = view_.traffic.nft_counts.find(key);
      if (of_kind && of_family && count != view_.traffic.nft_counts.end())
        packets = packets.value_or(0) + count->second.packets;
    }
    return packets;
  }

  PathStep mark() const {
    return step("mark", table_faults(), StepState::kActive,
                "what does not come from a peer is marked for IPVS; what a peer has forwarded is "
                "not, and goes to this machine's own service",
                rule_packets<NftMarkFromMap>());
  }

  PathStep redirect() const {
    const auto packets = rule_packets<NftRedirect>();
    if (is_master() && !any_redirect_wanted())
      return step("redirect", table_faults(), StepState::kIdle,
                  "the rule stands, its set has nothing of this VIP: IPVS schedules", packets);
    return step("redirect", table_faults(), StepState::kActive,
                "packets for the VIP go to this machine's own service, before IPVS sees them",
                packets);
  }
  bool any_redirect_wanted() const {
    return std::ranges::any_of(view_.desired.kernel.nft_elements, [&](const auto& entry) {
      const auto* const endpoint = std::get_if<Endpoint>(&entry.first.value);
      return endpoint != nullptr && endpoint->address == address_;
    });
  }

  PathStep backup_only() const {
    Texts faults = faults_in(view_.desired.kernel.ipvs_daemons, view_.observed.kernel.ipvs_daemons,
                             [](const SyncDaemonKey&) { return true; });
    for (const auto& [key, config] : view_.observed.kernel.ipvs_daemons)
      if (!view_.desired.kernel.ipvs_daemons.contains(key))
        faults.push_back("sync daemon " + key_text(key) + " should not run");
    for (std::string& fault : sysctl_faults())
      if (fault.find("backup_only") != std::string::npos) faults.push_back(std::move(fault));
    if (is_master())
      return step("backup-only", faults, StepState::kIdle,
                  "the sync daemon is master, so IPVS schedules");
    return step(
        "backup-only", faults, StepState::kActive,
        "the sync daemon is backup, so IPVS lets packets pass to this machine's own service");
  }

  bool is_ours(const IpvsServiceKey& service) const { return services_.contains(service); }

  Texts ipvs_faults() const {
    const KernelState& want = view_.desired.kernel;
    const KernelState& have = view_.observed.kernel;
    Texts faults = faults_in(want.ipvs_services, have.ipvs_services,
                             [&](const IpvsServiceKey& key) { return is_ours(key); });
    // Without the service no server is there; the service's fault says it.
    const auto of_service = [&](const RealServerKey& key) {
      return is_ours(key.service) && have.ipvs_services.contains(key.service);
    };
    const Texts servers = faults_in(want.ipvs_servers, have.ipvs_servers, of_service);
    faults.insert(faults.end(), servers.begin(), servers.end());
    const auto kept = kept_servers(view_.desired, have.ipvs_servers, view_.observed.connections);
    for (const auto& [key, config] : have.ipvs_servers)
      if (is_ours(key.service) && !want.ipvs_servers.contains(key) && !kept.contains(key))
        faults.push_back(key_text(key) + " should not be there");
    return faults;
  }

  bool has_weight() const {
    const auto takes_new = [&](const auto& entry) {
      return is_ours(entry.first.service) && entry.second.weight > 0;
    };
    return std::ranges::any_of(view_.desired.kernel.ipvs_servers, takes_new) ||
           std::ranges::any_of(kept_servers(view_.desired, view_.observed.kernel.ipvs_servers,
                                            view_.observed.connections),
                               takes_new);
  }

  PathStep ipvs() const {
    std::optional<std::uint64_t> packets;
    for (const IpvsServiceKey& service : services_)
      if (const auto found = view_.traffic.services.find(service);
          found != view_.traffic.services.end())
        packets = packets.value_or(0) + found->second.packets_in;
    Texts faults = ipvs_faults();
    if (faults.empty() && !services_.empty() && !has_weight())
      faults.push_back("no real server has a weight above 0: new connections are refused");
    if (bypassed())
      return step("ipvs", faults, StepState::kIdle, "ready to take over; nothing comes here now",
                  packets);
    if (!is_master() && vip_.bypass == Bypass::kMacMark)
      return step("ipvs", faults, StepState::kIdle,
                  "ready to take over; what peers forward carries no mark", packets);
    return step("ipvs", faults, StepState::kActive, "picks a real server for each new connection",
                packets);
  }

  bool is_local(const IpAddress& address) const {
    const auto& own = view_.document.nodes.at(view_.node).addresses;
    return std::ranges::find(own, address) != own.end();
  }

  /// "b by direct, 192.0.2.9 by masquerade": where IPVS sends what this machine does not answer.
  std::string peers_text() const {
    std::set<std::string> peers;
    for (const auto& [key, config] : view_.desired.kernel.ipvs_servers) {
      if (!is_ours(key.service) || is_local(key.address)) continue;
      std::string name = key.address.to_string();
      for (const auto& [node, of] : view_.document.nodes)
        if (std::ranges::find(of.addresses, key.address) != of.addresses.end()) name = node;
      peers.insert(name + " by " + std::string(to_string(config.forwarding)));
    }
    return joined(Texts(peers.begin(), peers.end()));
  }

  PathStep deliver() const {
    const AddressKey parked{loopback(), IpPrefix::host(address_)};
    const bool wants_parked = view_.desired.kernel.addresses.contains(parked);
    const bool is_parked = view_.observed.kernel.addresses.contains(parked);
    Texts faults;
    if (wants_parked && !is_parked)
      faults.push_back(address_.to_string() +
                       " is not on lo: this machine drops what peers forward to it");
    if (bypassed()) {
      return step("deliver", faults, StepState::kActive,
                  vip_.bypass == Bypass::kRedirect
                      ? "to this machine's own address, by redirect"
                      : "to this machine's own service, by the VIP on lo");
    }
    const std::string local =
        wants_parked ? "here by the VIP on lo" : "here by the VIP on the wire";
    if (!is_master())
      return step("deliver", faults, StepState::kActive, "what peers forward is answered " + local);
    const std::string peers = peers_text();
    return step("deliver", faults, StepState::kActive,
                peers.empty()
                    ? "answered " + local
                    : "this node's share is answered " + local + "; the rest goes to " + peers);
  }

  const NodeView& view_;
  const Vip& vip_;
  const IpAddress& address_;
  Role role_;
  std::set<IpvsServiceKey> services_;
};

}  // namespace

std::string_view to_string(StepState state) {
  constexpr std::array<std::string_view, 3> kNames = {"active", "idle", "broken"};
  return kNames.at(static_cast<std::size_t>(state));
}

std::vector<PathStep> packet_path(const NodeView& view, const VipName& vip, Role role) {
  return VipPath(view, view.document.vips.at(vip), role).steps();
}

}  // namespace twobox
