// Wakes when a file in a directory may have been written, replaced or removed.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "backends/events/inotify.h"
#include "schema/error.h"

namespace twobox {

/// Watches the directory, not the file: config management renames a new file into place, after
/// which a watch on the old one is dead.
///
/// A file that is a symbolic link counts as changed with anything in its own directory (Kubernetes
/// swaps a link `..data` beside it), and with the file that it leads to. A hint only; one change
/// may wake several times, and a file may be half-written then: wait a moment before reading it.
class DirectoryWatch {
 public:
  /// Error: kUnavailable if the directory can't be watched; kTransport without inotify.
  static Result<DirectoryWatch> open(std::string file);

  /// Readable when events wait.
  int fd() const { return inotify_.fd(); }

  /// True if the file may have changed since the last call; never blocks. Call it with every timed
  /// pass too: if the directory itself was gone, that is when it is found again.
  bool drain();

 private:
  using Names = std::set<std::string>;  // empty: every name matters

  DirectoryWatch(Inotify inotify, std::string file)
      : inotify_(std::move(inotify)), file_(std::move(file)) {}
  Result<std::map<int, Names>> watch_directories();
  bool matters(const Inotify::Event& event) const;

  Inotify inotify_;
  std::string file_;
  std::map<int, Names> names_by_watch_;
};

}  // namespace twobox
