#include "tests/support/packet_model.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <set>
#include <utility>

#include "tests/support/packet_firewall.h"

namespace twobox::testing {
namespace {

constexpr std::array<std::uint8_t, 6> kClientMac = {0x02, 0x00, 0x00, 0x00, 0x00, 0x40};

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
                        ip_protocol(destination.protocol)};
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
