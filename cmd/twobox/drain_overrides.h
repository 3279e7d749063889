// Drains asked for by `twobox drain`, kept until the machine boots.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "reconciler/draining.h"
#include "schema/error.h"
#include "twobox/overrides_file.h"

namespace twobox {

class DrainOverridesFile {
 public:
  /// As OverridesFile::open().
  static Result<DrainOverridesFile> open(const std::string& state_directory);

  const DrainOverrides& drains() const { return drains_; }

  /// Begins a drain, gives it another deadline, or ends it (nullopt), once that is on disk.
  Status set(const std::string& name, std::optional<std::chrono::seconds> deadline);

 private:
  DrainOverridesFile(OverridesFile file, DrainOverrides drains)
      : file_(std::move(file)), drains_(std::move(drains)) {}

  OverridesFile file_;
  DrainOverrides drains_;
};

}  // namespace twobox
