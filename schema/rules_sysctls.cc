#include "schema/bypass_sysctls.h"
#include "schema/fault_text.h"
#include "schema/rules.h"

namespace twobox {

void check_sysctls(const RuleCheck& check) {
  if (!check.known.is_known("/sysctls")) return;
  for (const auto& [name, vip] : check.document.vips) {
    const std::string pointer = vip_pointer(name);
    if (!check.known.is_known(pointer + "/bypass") || !check.known.is_known(pointer + "/interface"))
      continue;
    for (const auto& [sysctl, needed] : bypass_sysctls(check.document, vip)) {
      const auto held = check.document.sysctls.find(sysctl);
      if (held == check.document.sysctls.end() || held->second == needed) continue;
      check.refuse(child_pointer("/sysctls", sysctl), in_quotes(held->second),
                   in_quotes(needed) + ", which bypass " + in_quotes(to_string(vip.bypass)) +
                       " of VIP " + in_quotes(name) + " needs, or nothing");
    }
  }
}

}  // namespace twobox
