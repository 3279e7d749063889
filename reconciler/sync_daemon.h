// Which IPVS sync daemons a node runs, and with which settings.
#pragma once

#include <map>
#include <vector>

#include "reconciler/backend.h"
#include "reconciler/objects.h"
#include "reconciler/ownership.h"
#include "reconciler/resolve.h"
#include "schema/document.h"

namespace twobox {

/// Adds the daemons that `document.sync` asks for to `state`: the master daemon while this node is
/// master of a VIP, the backup daemon while it is not master of one, so both where masters differ.
///
/// Beside bypass backup-only there is one at a time, and it is the backup's unless this node is
/// master of all those VIPs: with both, the switch that lets packets pass would turn the master's
/// own scheduling off (include/net/ip_vs.h, sysctl_backup_only).
void add_sync_daemons(KernelState& state, const Document& document, const Roles& roles);

/// 0 where there is no such interface.
std::uint32_t interface_index(const std::map<InterfaceName, Link>& links,
                              const InterfaceName& interface);

/// The daemons among those `running` as `wanted` whose interface has been made anew since `record`
/// says they were started. The kernel lists them as before, but they hold on to the index that is
/// gone: the master sends nowhere, the backup hears nothing, both without a word.
/// (net/netfilter/ipvs/ip_vs_sync.c, set_mcast_if and join_mcast_group)
std::vector<SyncDaemonChange> stranded_sync_daemons(const KernelState& wanted,
                                                    const KernelState& running,
                                                    const std::map<InterfaceName, Link>& links,
                                                    const OwnershipRecord& record);

}  // namespace twobox
