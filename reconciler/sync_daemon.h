// Which IPVS sync daemons a node runs, and with which settings.
#pragma once

#include "reconciler/objects.h"
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

}  // namespace twobox
