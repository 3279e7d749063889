#include "schema/not_supported_yet.h"

#include "schema/rules.h"

namespace twobox {
namespace {

Fault not_yet(std::string pointer, std::string_view found, std::string_view allowed) {
  return {std::move(pointer), "found " + std::string(found) +
                                  ", which this version does not support yet; allowed is " +
                                  std::string(allowed)};
}

/// The word behind "follow"; "" when the role follows nothing.
std::string_view followed(const RoleSource& role) {
  if (std::holds_alternative<FollowAddress>(role)) return "\"address\"";
  if (std::holds_alternative<FollowKeepalived>(role)) return "\"keepalived\"";
  return "";
}

}  // namespace

Faults not_supported_yet(const Document& document) {
  Faults faults;
  for (const auto& [name, vip] : document.vips) {
    if (!followed(vip.role).empty())
      faults.push_back(
          not_yet(vip_pointer(name) + "/role/follow", followed(vip.role),
                  "a role of \"master\", \"backup\", \"fault\" or {\"master\": NODE}"));
    if (vip.bypass == Bypass::kMacMark || vip.bypass == Bypass::kBackupOnly)
      faults.push_back(not_yet(vip_pointer(name) + "/bypass",
                               "\"" + std::string(to_string(vip.bypass)) + "\"",
                               "\"redirect\" or \"none\""));
  }
  if (document.sync)
    faults.push_back(not_yet("/sync", "a sync daemon", "a document without \"sync\""));
  return faults;
}

}  // namespace twobox
