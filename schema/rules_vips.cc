#include "schema/fault_text.h"
#include "schema/rules.h"

namespace twobox {
namespace {

/// net.ipv4.vs.backup_only is one switch for the whole machine, and works only beside a sync daemon
/// in backup state: IPVS then passes by the packets of every VIP, also of one that this machine is
/// master of. (include/net/ip_vs.h, sysctl_backup_only)
void check_backup_only(const RuleCheck& check) {
  const VipName* first = nullptr;
  for (const auto& [name, vip] : check.document.vips) {
    if (vip.bypass != Bypass::kBackupOnly) continue;
    if (!check.document.sync)
      check.refuse(vip_pointer(name) + "/bypass", "\"backup-only\" in a document without \"sync\"",
                   "another bypass, or a document with \"sync\"");
    if (first == nullptr && check.known.is_known(vip_pointer(name) + "/role")) first = &name;
  }
  if (first == nullptr) return;
  const RoleSource& role = check.document.vips.at(*first).role;
  for (const auto& [name, vip] : check.document.vips)
    if (vip.role != role && check.known.is_known(vip_pointer(name) + "/role"))
      check.refuse(vip_pointer(name) + "/role",
                   "a role other than that of VIP " + in_quotes(*first) +
                       ", whose bypass \"backup-only\" switches off IPVS for all VIPs at once",
                   "one role for all VIPs beside bypass \"backup-only\"");
}

}  // namespace

void check_vips(const RuleCheck& check) {
  for (const auto& [name, vip] : check.document.vips)
    if (const auto* const master = std::get_if<MasterNode>(&vip.role))
      check_node_exists(check, master->node, vip_pointer(name) + "/role/master");
  check_backup_only(check);
}

}  // namespace twobox
