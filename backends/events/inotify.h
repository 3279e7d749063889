// One inotify descriptor.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "backends/netlink/handles.h"
#include "schema/error.h"

namespace twobox {

class Inotify {
 public:
  struct Event {
    int watch;              // -1: the kernel's queue overflowed
    std::uint32_t mask;     // IN_*
    std::string_view name;  // of the directory entry; ends with the handler's call
  };

  /// Error: kTransport with errno (EMFILE: fs.inotify.max_user_instances is too low).
  static Result<Inotify> open();

  /// Readable when events wait.
  int fd() const { return fd_.get(); }

  /// Watches what `path` leads to; its number. Watching the same thing again gives the same number.
  /// Error: kTransport with errno.
  Result<int> watch(const std::string& path, std::uint32_t mask);
  void forget(int watch);

  /// Hands over every waiting event; never blocks.
  void drain(const std::function<void(const Event&)>& on_event);

 private:
  explicit Inotify(netlink::FileDescriptor fd) : fd_(std::move(fd)) {}

  netlink::FileDescriptor fd_;
};

}  // namespace twobox
