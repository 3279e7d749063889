// Roles set by `twobox role`. They outlive the daemon, so that an upgrade moves no VIP, but not the
// boot: a machine that comes back does what its document says.
#pragma once

#include <optional>
#include <string>

#include "reconciler/roles.h"
#include "schema/error.h"

namespace twobox {

/// A file of the state directory, one for each network namespace.
class RoleOverridesFile {
 public:
  /// A missing file, or one from before the last reboot, holds no overrides; nothing is created.
  /// Error: kUnavailable if it can't be read, kTransport if it is damaged.
  static Result<RoleOverridesFile> open(const std::string& state_directory);

  const RoleOverrides& roles() const { return roles_; }

  /// Sets a VIP's role, or takes it back (nullopt), once that is on disk.
  Status set(const VipName& vip, std::optional<Role> role);

 private:
  RoleOverridesFile(std::string path, std::string boot, RoleOverrides roles)
      : path_(std::move(path)), boot_id_(std::move(boot)), roles_(std::move(roles)) {}

  std::string path_;
  std::string boot_id_;
  RoleOverrides roles_;
};

}  // namespace twobox
