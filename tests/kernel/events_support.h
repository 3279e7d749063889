// What the tests of everything that wakes share.
#pragma once

#include <poll.h>

#include <vector>

namespace twobox::address_test {

inline bool becomes_readable(const std::vector<int>& fds, int milliseconds = 5000) {
  std::vector<pollfd> polled;
  for (const int fd : fds) polled.push_back({fd, POLLIN, 0});
  return ::poll(polled.data(), polled.size(), milliseconds) > 0;
}

/// Most events are queued before the command that made them returns, and need no waiting for.
inline bool is_readable(const std::vector<int>& fds) {
  return becomes_readable(fds, 0);
}

}  // namespace twobox::address_test
