#include "reconciler/import_machine.h"

#include <algorithm>
#include <array>
#include <utility>

#include "reconciler/bypass_table.h"
#include "reconciler/import_services.h"
#include "schema/bypass_sysctls.h"

namespace twobox {
namespace {

struct UsualSysctl {
  const char* name;
  const char* value;  // the kernel's own
};
// net/netfilter/ipvs/ip_vs_ctl.c, ip_vs_control_net_init_sysctl().
constexpr std::array<UsualSysctl, 9> kUsualSysctls = {
    {{"net.ipv4.ip_forward", "0"},
     {"net.ipv4.vs.conn_reuse_mode", "1"},
     {"net.ipv4.vs.conntrack", "0"},
     {"net.ipv4.vs.expire_nodest_conn", "0"},
     {"net.ipv4.vs.expire_quiescent_template", "0"},
     {"net.ipv4.vs.nat_icmp_send", "0"},
     {"net.ipv4.vs.sloppy_tcp", "0"},
     {"net.ipv4.vs.sync_threshold", "3 50"},
     {kBackupOnlySysctl, "0"}}};

std::optional<Sync> sync_of(const KernelState& kernel, std::vector<std::string>& notes) {
  if (kernel.ipvs_daemons.empty()) return std::nullopt;
  if (kernel.ipvs_daemons.size() > 1)
    notes.emplace_back("both sync daemons run; twobox runs the one of the role");
  const SyncDaemonConfig& daemon = kernel.ipvs_daemons.begin()->second;
  Sync sync{daemon.interface, daemon.id, {}, {}, {}, {}};
  // What the document leaves out is as the kernel has it by itself; a length it finds stays.
  if (daemon.group != *IpAddress::parse("224.0.0.81")) sync.group = daemon.group;
  if (daemon.port != 8848) sync.port = *Port::from_number(daemon.port);
  if (daemon.ttl != 1) sync.ttl = daemon.ttl;
  return sync;
}

std::optional<Timeouts> timeouts_of(const KernelState& kernel) {
  constexpr IpvsTimeoutsConfig kUsual{900, 120, 300};
  const auto found = kernel.ipvs_timeouts.find(IpvsTimeoutsKey{});
  if (found == kernel.ipvs_timeouts.end() || found->second == kUsual) return std::nullopt;
  return Timeouts{found->second.tcp, found->second.tcp_fin, found->second.udp};
}

class MachineImport {
 public:
  MachineImport(const MachineFacts& facts, MacsByAddress macs)
      : facts_(facts), kernel_(facts.state.kernel), macs_(std::move(macs)) {}

  Import take() {
    FoundServices found = find_services(facts_);
    import_.notes = std::move(found.notes);
    import_.document.sync = sync_of(kernel_, import_.notes);
    import_.document.timeouts = timeouts_of(kernel_);
    addresses_ = std::move(found.direct);
    for (const auto& [address, services] : found.by_vip) vips_.insert(address);
    if (vips_.empty())
      import_.notes.emplace_back("no IPVS service here that a document could hold");
    for (auto& [address, services] : found.by_vip) add(address, std::move(services));
    say_what_stays();
    say_what_is_not_read();
    learn_macs();
    name_nodes(import_, addresses_, macs_);
    for (auto& [name, vip] : import_.document.vips) settle(vip);
    add_sysctls();
    return std::move(import_);
  }

 private:
  bool is_local(const IpAddress& address) const {
    return std::ranges::any_of(kernel_.addresses, [&](const auto& entry) {
      return entry.first.prefix.address() == address;
    });
  }

  const AddressKey* on_wire(const IpAddress& address) const {
    for (const auto& [key, config] : kernel_.addresses)
      if (key.interface != loopback() && key.prefix.address() == address) return &key;
    return nullptr;
  }

  /// Where this machine's own address is: a real server's, or else the first of the family that is
  /// no VIP.
  const AddressKey* own_address(AddressFamily family) const {
    const AddressKey* first = nullptr;
    for (const auto& [key, config] : kernel_.addresses) {
      const IpAddress& address = key.prefix.address();
      const bool is_candidate =
          key.interface != loopback() && address.family() == family && !vips_.contains(address);
      if (!is_candidate) continue;
      if (addresses_.contains(address)) return &key;
      if (first == nullptr && config.preferred && key.prefix.length() < address_bits(family))
        first = &key;
    }
    return first;
  }

  void add(const IpAddress& address, std::vector<Service> services) {
    const AddressKey* const wire = on_wire(address);
    const AddressKey* const own = own_address(address.family());
    if (own != nullptr) addresses_.insert(own->prefix.address());
    InterfaceName interface = loopback();
    if (own != nullptr) interface = own->interface;
    if (wire != nullptr) interface = wire->interface;
    add_vip(import_.document, Vip{wire != nullptr ? wire->prefix : IpPrefix::host(address),
                                  interface, Role::kBackup, Bypass::kNone, std::move(services)});
  }

  void say_what_stays() {
    for (const ForeignBypass& bypass : facts_.bypasses.read)
      if (vips_.contains(bypass.address))
        import_.notes.push_back(bypass.place + ": the rule for " + bypass.address.to_string() +
                                " stays where it is; twobox has a table of its own, so take the "
                                "rule out after apply");
  }

  void say_what_is_not_read() {
    for (const UnreadRule& rule : facts_.bypasses.unread)
      if (!rule.address || vips_.contains(*rule.address))
        import_.notes.push_back(
            rule.place + ": the rule with handle " + std::to_string(rule.handle) +
            " marks or redirects by what it looks up in sets, which import does not read: if it is "
            "for a VIP, bypass, marks and MACs here lack what it does; see: nft -a list chain " +
            rule.place);
  }

  /// A mark rule names the peers; with one peer it is plain whose MAC it has.
  void learn_macs() {
    std::vector<IpAddress> others;
    for (const IpAddress& address : addresses_)
      if (!is_local(address)) others.push_back(address);
    for (const ForeignBypass& bypass : facts_.bypasses.read)
      if (bypass.mark && bypass.not_from.size() == 1 && others.size() == 1)
        macs_.insert_or_assign(others.front(), *bypass.not_from.begin());
  }

  void settle(Vip& vip) {
    vip.bypass = bypass_of(vip);
    vip.role = role_of(vip);
  }

  Bypass bypass_of(const Vip& vip) {
    const IpAddress& address = vip.address.address();
    const bool is_marked = std::ranges::any_of(
        vip.services, [](const Service& service) { return service.mark.has_value(); });
    if (is_marked) return Bypass::kMacMark;
    for (const ForeignBypass& bypass : facts_.bypasses.read)
      if (!bypass.mark && bypass.address == address) return Bypass::kRedirect;
    for (const auto& [key, config] : kernel_.nft_elements)
      if (const auto* const endpoint = std::get_if<Endpoint>(&key.value);
          endpoint != nullptr && endpoint->address == address && holds_redirects(key.set))
        return Bypass::kRedirect;
    const auto backup_only = kernel_.sysctls.find(SysctlKey{kBackupOnlySysctl});
    if (backup_only != kernel_.sysctls.end() && backup_only->second.value == "1" &&
        import_.document.sync)
      return Bypass::kBackupOnly;
    if (on_wire(address) != nullptr && !is_parked(address)) {
      import_.notes.push_back(address.to_string() +
                              ": bypass \"redirect\" is presumed: on a master it leaves nothing to "
                              "see; look at the peer");
      return Bypass::kRedirect;
    }
    import_.notes.push_back(address.to_string() +
                            ": nothing keeps a backup from balancing again what the master sent "
                            "it; bypass is \"none\" until you choose one");
    return Bypass::kNone;
  }

  bool is_parked(const IpAddress& address) const {
    return kernel_.addresses.contains(AddressKey{loopback(), IpPrefix::host(address)});
  }

  RoleSource role_of(const Vip& vip) {
    const IpAddress& address = vip.address.address();
    if (facts_.keepalived_words.contains(address.to_string()) ||
        facts_.keepalived_words.contains(vip.address.to_string()))
      return FollowAddress{};
    const bool is_master = on_wire(address) != nullptr;
    std::vector<NodeName> candidates;
    for (const auto& [name, node] : import_.document.nodes)
      if (std::ranges::any_of(node.addresses,
                              [&](const IpAddress& each) { return is_local(each); }) == is_master)
        candidates.push_back(name);
    if (candidates.size() != 1) {
      import_.notes.push_back(address.to_string() +
                              ": another node is master, and which one is nothing to see here; the "
                              "role is \"backup\" for every node until you name the master");
      return Role::kBackup;
    }
    if (!is_master)
      import_.notes.push_back(address.to_string() + ": node " + candidates.front() +
                              " is presumed to be master, since this one has not got the address");
    return MasterNode{candidates.front()};
  }

  void add_sysctls() {
    const bool is_held = std::ranges::any_of(import_.document.vips, [](const auto& entry) {
      return entry.second.bypass == Bypass::kBackupOnly;
    });
    for (const UsualSysctl& usual : kUsualSysctls) {
      if (is_held && std::string_view(usual.name) == kBackupOnlySysctl) continue;
      const auto found = kernel_.sysctls.find(SysctlKey{usual.name});
      if (found != kernel_.sysctls.end() && found->second.value != usual.value)
        import_.document.sysctls.emplace(usual.name, found->second.value);
    }
  }

  const MachineFacts& facts_;
  const KernelState& kernel_;
  MacsByAddress macs_;
  Import import_;
  std::set<IpAddress> vips_;
  std::set<IpAddress> addresses_;  // of nodes
};

}  // namespace

Scope import_scope() {
  Scope scope;
  for (const UsualSysctl& usual : kUsualSysctls) scope.sysctls.insert(SysctlKey{usual.name});
  return scope;
}

Import import_machine(const MachineFacts& facts, const MacsByAddress& macs) {
  return MachineImport(facts, macs).take();
}

}  // namespace twobox
