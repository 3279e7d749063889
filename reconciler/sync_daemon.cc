#include "reconciler/sync_daemon.h"

#include <algorithm>

namespace twobox {
namespace {

// net/netfilter/ipvs/ip_vs_sync.c: IP_VS_SYNC_GROUP, IP_VS_SYNC_PORT and the ttl of
// start_sync_thread.
const IpAddress kDefaultGroup = *IpAddress::parse("224.0.0.81");
constexpr std::uint16_t kDefaultPort = 8848;
constexpr std::uint8_t kDefaultTtl = 1;

SyncDaemonConfig daemon_config(const Sync& sync) {
  return {sync.interface,
          sync.id,
          sync.max_length.value_or(0),
          sync.group.value_or(kDefaultGroup),
          sync.port ? sync.port->host_order() : kDefaultPort,
          sync.ttl.value_or(kDefaultTtl)};
}

/// The roles that decide: with backup-only, only those of its VIPs.
std::vector<Role> deciding_roles(const Document& document, const Roles& roles, bool backup_only) {
  std::vector<Role> deciding;
  for (const auto& [name, vip] : document.vips)
    if (!backup_only || vip.bypass == Bypass::kBackupOnly) deciding.push_back(roles.at(name));
  return deciding;
}

}  // namespace

void add_sync_daemons(KernelState& state, const Document& document, const Roles& roles) {
  if (!document.sync) return;
  const bool backup_only = std::ranges::any_of(
      document.vips, [](const auto& entry) { return entry.second.bypass == Bypass::kBackupOnly; });
  const std::vector<Role> deciding = deciding_roles(document, roles, backup_only);
  const auto is_master = [](Role role) { return role == Role::kMaster; };
  const bool backup = !std::ranges::all_of(deciding, is_master);
  const bool master = std::ranges::any_of(deciding, is_master) && !(backup_only && backup);
  const SyncDaemonConfig config = daemon_config(*document.sync);
  if (master) state.ipvs_daemons.emplace(SyncDaemonKey{SyncState::kMaster}, config);
  if (backup) state.ipvs_daemons.emplace(SyncDaemonKey{SyncState::kBackup}, config);
}

std::uint32_t interface_index(const std::map<InterfaceName, Link>& links,
                              const InterfaceName& interface) {
  const auto link = links.find(interface);
  return link == links.end() ? 0 : link->second.index;
}

std::vector<SyncDaemonChange> stranded_sync_daemons(const KernelState& wanted,
                                                    const KernelState& running,
                                                    const std::map<InterfaceName, Link>& links,
                                                    const OwnershipRecord& record) {
  std::vector<SyncDaemonChange> stranded;
  for (const auto& [key, config] : running.ipvs_daemons) {
    const auto want = wanted.ipvs_daemons.find(key);
    const auto start = record.ipvs_daemons.find(key);
    // One that is to be changed is started anew for that.
    if (want == wanted.ipvs_daemons.end() || want->second != config) continue;
    if (start == record.ipvs_daemons.end() || start->second == SyncDaemonStart{}) continue;
    const std::uint32_t index = interface_index(links, config.interface);
    // Without its interface it could not be started.
    if (index != 0 && index != start->second.interface_index)
      stranded.push_back({key, config, config});
  }
  return stranded;
}

}  // namespace twobox
