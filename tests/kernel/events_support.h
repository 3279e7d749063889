// What the tests of everything that wakes share.
#pragma once

#include <poll.h>

#include <vector>

namespace twobox::address_test {

/// Events are queued before the command that made them returns, so nothing needs waiting for.
inline bool is_readable(const std::vector<int>& fds) {
  std::vector<pollfd> polled;
  for (const int fd : fds) polled.push_back({fd, POLLIN, 0});
  return ::poll(polled.data(), polled.size(), 0) > 0;
}

}  // namespace twobox::address_test
