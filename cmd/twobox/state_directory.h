// What outlives the process: the ownership record, the last good document, and a lock.
#pragma once

#include <optional>
#include <string>

#include "backends/file_descriptor.h"
#include "reconciler/ownership_json.h"
#include "reconciler/reconcile.h"
#include "schema/error.h"

namespace twobox {

/// The record in a file of the state directory, one for each network namespace. A record from
/// before the last reboot counts as empty: the kernel objects it speaks of are gone.
class OwnershipFile : public OwnershipStore {
 public:
  /// A missing file or directory is an empty record; nothing is created.
  /// Error: kUnavailable if it can't be read, kTransport if it is damaged.
  static Result<OwnershipFile> open(const std::string& state_directory);

  const OwnershipRecord& record() const override { return stored_.record; }
  Status save(const OwnershipRecord& record) override;

 private:
  OwnershipFile(std::string path, StoredRecord stored)
      : path_(std::move(path)), stored_(std::move(stored)) {}
  std::string path_;
  StoredRecord stored_;
};

/// Held while somebody changes this network namespace; released by the kernel when the process
/// ends.
class ChangeLock {
 public:
  /// Creates the directory (mode 0700) if need be.
  /// Errors: kUnavailable (EWOULDBLOCK) if another process holds it, with that process's id.
  static Result<ChangeLock> take(const std::string& state_directory);

 private:
  explicit ChangeLock(FileDescriptor fd) : fd_(std::move(fd)) {}
  FileDescriptor fd_;
};

/// The last document that was valid, by the path it came from.
Status save_last_good(const std::string& state_directory, const std::string& document_path,
                      std::string_view text);
std::string last_good_path(const std::string& state_directory, const std::string& document_path);

}  // namespace twobox
