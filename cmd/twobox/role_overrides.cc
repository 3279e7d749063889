#include "twobox/role_overrides.h"

namespace twobox {

Result<RoleOverridesFile> RoleOverridesFile::open(const std::string& state_directory) {
  auto file = OverridesFile::open(state_directory, "roles");
  if (!file) return file.error();
  RoleOverrides roles;
  for (const auto& [vip, word] : file->words()) {
    const auto role = role_from_text(word);
    if (!role) return file->damaged();
    roles.emplace(vip, *role);
  }
  return RoleOverridesFile(*std::move(file), std::move(roles));
}

Status RoleOverridesFile::set(const VipName& vip, std::optional<Role> role) {
  std::optional<std::string> word;
  if (role) word = to_string(*role);
  if (const Status stored = file_.set(vip, word); !stored) return stored;
  if (role) {
    roles_.insert_or_assign(vip, *role);
  } else {
    roles_.erase(vip);
  }
  return success();
}

}  // namespace twobox
