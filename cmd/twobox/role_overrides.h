// Roles set by `twobox role`, kept until the machine boots.
#pragma once

#include <optional>
#include <string>

#include "reconciler/roles.h"
#include "schema/error.h"
#include "twobox/overrides_file.h"

namespace twobox {

class RoleOverridesFile {
 public:
  /// As OverridesFile::open().
  static Result<RoleOverridesFile> open(const std::string& state_directory);

  const RoleOverrides& roles() const { return roles_; }

  /// Sets a VIP's role, or takes it back (nullopt), once that is on disk.
  Status set(const VipName& vip, std::optional<Role> role);

 private:
  RoleOverridesFile(OverridesFile file, RoleOverrides roles)
      : file_(std::move(file)), roles_(std::move(roles)) {}

  OverridesFile file_;
  RoleOverrides roles_;
};

}  // namespace twobox
