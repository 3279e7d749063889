#include <algorithm>

#include "schema/fault_text.h"
#include "schema/rules.h"

namespace twobox {
namespace {

void check_sync_is_there(const RuleCheck& check) {
  for (const auto& [name, vip] : check.document.vips)
    if (vip.bypass == Bypass::kBackupOnly && !check.document.sync)
      check.refuse(vip_pointer(name) + "/bypass", "\"backup-only\" in a document without \"sync\"",
                   "another bypass, or a document with \"sync\"");
}

bool is_backup_only(const std::pair<const VipName, Vip>& entry) {
  return entry.second.bypass == Bypass::kBackupOnly;
}

/// net.ipv4.vs.backup_only is one switch for the whole machine, and works only beside a sync daemon
/// in backup state (include/net/ip_vs.h, sysctl_backup_only): on a backup the machine schedules for
/// no VIP at all, so it can't be the master of another.
void check_backup_only_roles(const RuleCheck& check) {
  const auto& vips = check.document.vips;
  const auto first = std::ranges::find_if(vips, is_backup_only);
  if (first == vips.end() || !check.known.is_known(vip_pointer(first->first) + "/role")) return;
  for (const auto& [name, vip] : vips)
    if (vip.role != first->second.role && check.known.is_known(vip_pointer(name) + "/role"))
      check.refuse(vip_pointer(name) + "/role",
                   "a role other than that of VIP " + in_quotes(first->first),
                   "one role for all VIPs beside bypass \"backup-only\"");
}

}  // namespace

void check_vips(const RuleCheck& check) {
  for (const auto& [name, vip] : check.document.vips)
    if (const auto* const master = std::get_if<MasterNode>(&vip.role))
      check_node_exists(check, master->node, vip_pointer(name) + "/role/master");
  check_sync_is_there(check);
  check_backup_only_roles(check);
}

}  // namespace twobox
