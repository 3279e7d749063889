// What is set by hand and holds until the machine boots: it outlives the daemon, so that an upgrade
// changes nothing, but a machine that comes back does what its document says.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "schema/error.h"

namespace twobox {

/// A file of the state directory, one for each network namespace.
class OverridesFile {
 public:
  /// `kind` is a word for what it holds, in the plural: "roles". A missing file, or one from before
  /// the last boot, holds nothing; nothing is created.
  /// Error: kUnavailable if it can't be read, kTransport if it is damaged.
  static Result<OverridesFile> open(const std::string& state_directory, const std::string& kind);

  /// What is set, by name.
  const std::map<std::string, std::string>& words() const { return words_; }

  /// Sets a word, or takes it back (nullopt), once that is on disk.
  Status set(const std::string& name, const std::optional<std::string>& word);

  /// For a word that makes no sense.
  Error damaged() const;

 private:
  OverridesFile(std::string path, std::string kind, std::string boot)
      : path_(std::move(path)), kind_(std::move(kind)), boot_id_(std::move(boot)) {}
  bool take(const std::string& text);

  std::string path_;
  std::string kind_;
  std::string boot_id_;
  std::map<std::string, std::string> words_;
};

}  // namespace twobox
