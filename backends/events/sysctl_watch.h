// Wakes when somebody writes to a sysctl.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "backends/events/inotify.h"
#include "backends/netlink/handles.h"
#include "schema/error.h"

namespace twobox {

/// A hint only: the kernel's own changes (an interface is made anew, one sysctl sets another) raise
/// no event, so a timed pass stays necessary. Not thread-safe.
class SysctlWatch {
 public:
  /// Error: kTransport.
  static Result<SysctlWatch> open();

  /// Readable when events wait.
  int fd() const { return inotify_.fd(); }

  /// Watches exactly the files `paths`, one open descriptor each; missing ones are passed over.
  /// Call it before each observation: only then is a file that was made anew (with its interface)
  /// watched again, and no write between watching and reading goes unseen.
  /// Error: kTransport if a file can't be watched; all the others are.
  Status set_watched(const std::set<std::string>& paths);

  /// True if something was written since the last call; never blocks.
  bool drain();

 private:
  struct Watched {
    int number;
    netlink::FileDescriptor pin;
  };

  explicit SysctlWatch(Inotify inotify) : inotify_(std::move(inotify)) {}
  Status watch(const std::string& path);
  void forget(const std::string& path);

  Inotify inotify_;
  std::map<std::string, Watched> watched_;
};

}  // namespace twobox
