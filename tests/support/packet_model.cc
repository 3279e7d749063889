#include "tests/support/packet_model.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <set>
#include <utility>

namespace twobox::testing {
namespace {

constexpr std::array<std::uint8_t, 6> kClientMac = {0x02, 0x00, 0x00, 0x00, 0x00, 0x40};
constexpr std::uint32_t kDormantTable = 1;  // NFT_TABLE_F_DORMANT, linux/netfilter/nf_tables.h
// IPVS hooks LOCAL_IN at NF_IP_PRI_NAT_SRC - 2 and - 1 (ip_vs_core.c).
constexpr std::int32_t kIpvsPriority = 98;

struct Packet {
  Endpoint destination;
  MacAddress source;
  std::uint32_t mark = 0;
  std::uint8_t protocol_number = 0;  // as its IP header has it
};

std::uint8_t number_of(Protocol protocol) {
  switch (protocol) {
    case Protocol::kUdp:
      return 17;
    case Protocol::kSctp:
      return 132;
    case Protocol::kTcp:
      break;
  }
  return 6;
}

bool is_hidden(const Packet& packet) {
  return packet.protocol_number != number_of(packet.destination.protocol);
}

/// What happens to a packet on one machine, in words.
class Notes {
 public:
  void add(const std::string& note) { text_ += (text_.empty() ? "" : ", ") + note; }
  std::string on(const Station& machine) const {
    return machine.name + (text_.empty() ? "" : " [" + text_ + "]");
  }

 private:
  std::string text_;
};

std::optional<std::string> sysctl(const Station& machine, const std::string& name) {
  const auto found = machine.kernel.sysctls.find(SysctlKey{name});
  if (found == machine.kernel.sysctls.end()) return std::nullopt;
  return found->second.value;
}

bool is_set(const Station& machine, const std::string& name) {
  return sysctl(machine, name).value_or("0") != "0";
}

/// The machine takes packets for `address`, on whichever interface it has it.
bool is_local(const Station& machine, const IpAddress& address) {
  if (std::ranges::find(machine.addresses, address) != machine.addresses.end()) return true;
  return std::ranges::any_of(machine.kernel.addresses, [&](const auto& entry) {
    return entry.first.prefix.address() == address && !entry.second.dad_failed;
  });
}

/// IPv4 belongs to the machine: it answers for all it has, unless told to keep to the interface
/// that was asked. IPv6 neighbour discovery always keeps to the interface (ndisc_recv_ns).
bool answers_for(const Station& machine, const IpAddress& address) {
  if (holds_on_wire(machine, address)) return true;
  if (address.family() == AddressFamily::kIpv6 || !is_local(machine, address)) return false;
  std::string interface = machine.wire.str();
  std::ranges::replace(interface, '.', '/');  // as sysctl(8) spells it
  return !is_set(machine, "net.ipv4.conf.all.arp_ignore") &&
         !is_set(machine, "net.ipv4.conf." + interface + ".arp_ignore");
}

/// Which of a hook's chains: IPVS stands between those of LOCAL_IN.
enum class Side { kBeforeIpvs, kBehindIpvs };

/// The chains of one hook, rule by rule. Rules of a chain are taken by name: the kernel's order is
/// that of their making, and nothing may depend on it.
class Firewall {
 public:
  Firewall(const Station& machine, Packet& packet, Notes& notes)
      : machine_(machine), kernel_(machine.kernel), packet_(packet), notes_(notes) {}

  /// Returns why the packet was dropped; nothing if it goes on.
  std::optional<std::string> run(NftHook hook, Side side = Side::kBeforeIpvs) {
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

  // What a statement says to the packet; false ends the rule.
  bool operator()(const NftFamilyIs& statement) const { return is_of(statement.family); }
  bool operator()(const NftHeaderVersionIs& statement) const { return is_of(statement.family); }
  bool operator()(const NftArrivesOverEthernet&) const { return true; }
  bool operator()(const NftDestinationInSet& statement) const {
    return is_of(statement.family) && destination_in(statement.set) != nullptr;
  }
  bool operator()(const NftOpensTcpConnection&) const {
    return packet_.destination.protocol == Protocol::kTcp;  // it is always the first packet
  }
  bool operator()(const NftHeaderProtocolIs& statement) const {
    return is_of(statement.family) && packet_.protocol_number == statement.number;
  }
  bool operator()(const NftSetHeaderProtocol& statement) {
    packet_.protocol_number = statement.number;
    return true;
  }
  bool operator()(const NftCounter&) const { return true; }
  bool operator()(const NftEtherSourceInSet& statement) const {
    return element(statement.set, packet_.source) != nullptr;
  }
  bool operator()(const NftEtherSourceNotInSet& statement) const {
    return element(statement.set, packet_.source) == nullptr;
  }
  bool operator()(const NftMarkFromMap& statement) {
    const auto* const found = is_of(statement.family) ? destination_in(statement.map) : nullptr;
    if (found == nullptr || !found->mark) return false;
    packet_.mark = *found->mark;
    notes_.add("mark " + std::to_string(packet_.mark));
    return true;
  }
  bool operator()(const NftRedirect&) {
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
  bool operator()(const NftUnknown& statement) {
    drop_ = "a rule that this model can't read (" + statement.text + ")";
    return false;
  }

 private:
  std::vector<std::pair<std::int32_t, std::string>> chains_of(NftHook hook, Side side) const {
    std::vector<std::pair<std::int32_t, std::string>> chains;
    for (const auto& [key, chain] : kernel_.nft_chains)
      if (chain.hook == hook && (hook != NftHook::kInput || side_of(chain.priority) == side))
        chains.emplace_back(chain.priority, key.name);
    std::ranges::sort(chains);
    return chains;
  }

  void run_rules(const std::string& chain) {
    is_accepted_ = false;
    for (const auto& [key, rule] : kernel_.nft_rules) {
      if (key.chain != chain) continue;
      for (const NftStatement& statement : rule.statements)
        if (!std::visit(*this, statement)) break;
      if (is_accepted_ || drop_) return;
    }
  }

  static Side side_of(std::int32_t priority) {
    return priority < kIpvsPriority ? Side::kBeforeIpvs : Side::kBehindIpvs;
  }

  bool is_of(AddressFamily family) const { return packet_.destination.address.family() == family; }

  template <typename Value>
  const NftElementConfig* element(const std::string& set, const Value& value) const {
    const auto found = kernel_.nft_elements.find(NftElementKey{set, value});
    return found == kernel_.nft_elements.end() ? nullptr : &found->second;
  }

  const NftElementConfig* destination_in(const std::string& set) const {
    return is_hidden(packet_) ? nullptr : element(set, packet_.destination);
  }

  const Station& machine_;
  const KernelState& kernel_;
  Packet& packet_;
  Notes& notes_;
  std::optional<std::string> drop_;
  bool is_accepted_ = false;  // by the chain that runs; the hook's next chain runs all the same
};

/// The switch works only beside a sync daemon in backup state (ip_vs.h, sysctl_backup_only).
bool passes_ipvs_by(const Station& machine) {
  return is_set(machine, "net.ipv4.vs.backup_only") &&
         machine.kernel.ipvs_daemons.contains(SyncDaemonKey{SyncState::kBackup});
}

/// By mark, then by address and port, then for every port (ip_vs_service_find).
std::optional<IpvsServiceKey> service_for(const Station& machine, const Packet& packet) {
  if (is_hidden(packet)) return std::nullopt;
  const Endpoint& to = packet.destination;
  const IpvsServiceKey by_mark = FirewallMark{to.address.family(), packet.mark};
  const auto& services = machine.kernel.ipvs_services;
  if (packet.mark != 0 && services.contains(by_mark)) return by_mark;
  for (const std::uint16_t port : {to.port, std::uint16_t{0}}) {
    const IpvsServiceKey by_endpoint = Endpoint{to.address, to.protocol, port};
    if (services.contains(by_endpoint)) return by_endpoint;
  }
  return std::nullopt;
}

/// Follows a packet through the segment, to each of its ends.
class Walk {
 public:
  explicit Walk(const Segment& segment) : segment_(segment) {}

  std::vector<Path> from_client(const Endpoint& destination) {
    const Packet packet{destination, MacAddress::from_bytes(kClientMac), 0,
                        number_of(destination.protocol)};
    for (const Station* machine : segment_)
      if (answers_for(*machine, destination.address)) arrive(*machine, packet, {"client", {}});
    if (paths_.empty())
      end(Ending::kUnresolved, {"client", {}},
          "nobody answers for " + destination.address.to_string());
    return std::move(paths_);
  }

 private:
  struct Trail {
    std::string text;
    std::set<std::string> schedulers;  // the machines that have scheduled the packet
  };

  void arrive(const Station& machine, Packet packet, Trail trail) {
    Notes notes;
    Firewall firewall(machine, packet, notes);
    if (const auto drop = firewall.run(NftHook::kPrerouting))
      return drop_at(machine, notes, trail, *drop);
    // Routed, not delivered: a machine without the address has no use for the packet.
    if (!is_local(machine, packet.destination.address))
      return drop_at(machine, notes, trail, "without " + packet.destination.address.to_string());
    if (const auto drop = firewall.run(NftHook::kInput))
      return drop_at(machine, notes, trail, *drop);

    const auto service = service_for(machine, packet);
    if (service && passes_ipvs_by(machine)) {
      notes.add("backup-only");
    } else if (service) {
      return schedule(machine, *service, packet, notes, std::move(trail));
    }
    if (is_hidden(packet)) notes.add("hidden from ipvs");
    if (const auto drop = firewall.run(NftHook::kInput, Side::kBehindIpvs))
      return drop_at(machine, notes, trail, *drop);
    if (is_hidden(packet)) return drop_at(machine, notes, trail, "its protocol was not restored");
    answer(machine, notes, trail);
  }

  void schedule(const Station& machine, const IpvsServiceKey& service, const Packet& packet,
                const Notes& notes, Trail trail) {
    // The second time it is no new connection: its entry sends it where it was sent before.
    if (!trail.schedulers.insert(machine.name).second)
      return end(Ending::kLoop, trail, notes.on(machine) + " -> loop");
    bool has_servers = false;
    for (const auto& [key, server] : machine.kernel.ipvs_servers) {
      if (key.service != service || server.weight == 0) continue;
      has_servers = true;
      forward(machine, key.address, server.forwarding, packet, notes, trail);
    }
    if (!has_servers)
      end(Ending::kNoServers, trail, notes.on(machine) + " -> black hole: no real servers");
  }

  void forward(const Station& machine, const IpAddress& server, Forwarding forwarding,
               const Packet& packet, Notes notes, Trail trail) {
    if (forwarding != Forwarding::kDirect)
      return drop_at(machine, notes, trail, "a forwarding method that this model does not know");
    const bool is_own = is_local(machine, server);
    const auto found = std::ranges::find_if(segment_, [&](const Station* other) {
      return std::ranges::find(other->addresses, server) != other->addresses.end();
    });
    if (!is_own && found == segment_.end())
      return drop_at(machine, notes, trail, "nobody has " + server.to_string());
    notes.add("ipvs -> " + (is_own ? machine.name : (*found)->name));
    if (is_own) return answer(machine, notes, trail);
    trail.text += " -> " + notes.on(machine);
    // A new frame with the same destination address; marks do not travel.
    arrive(**found, {packet.destination, machine.mac, 0, packet.protocol_number}, std::move(trail));
  }

  void answer(const Station& machine, const Notes& notes, const Trail& trail) {
    end(Ending::kAnswered, trail, notes.on(machine) + " -> answered by " + machine.name);
  }

  void drop_at(const Station& machine, const Notes& notes, const Trail& trail,
               const std::string& why) {
    end(Ending::kBlackHole, trail, notes.on(machine) + " -> black hole: " + why);
  }

  void end(Ending ending, const Trail& trail, const std::string& rest) {
    paths_.push_back({ending, trail.text + " -> " + rest});
  }

  const Segment& segment_;
  std::vector<Path> paths_;
};

}  // namespace

std::vector<Path> paths_to(const Segment& segment, const Endpoint& destination) {
  return Walk(segment).from_client(destination);
}

bool holds_on_wire(const Station& machine, const IpAddress& address) {
  if (std::ranges::find(machine.addresses, address) != machine.addresses.end()) return true;
  return std::ranges::any_of(machine.kernel.addresses, [&](const auto& entry) {
    const auto& [key, config] = entry;
    return key.interface == machine.wire && key.prefix.address() == address && !config.dad_failed;
  });
}

}  // namespace twobox::testing
