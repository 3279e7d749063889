#include "backends/events/inotify.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace twobox {

using netlink::FileDescriptor;

Result<Inotify> Inotify::open() {
  FileDescriptor fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!fd.is_open())
    return Error{ErrorKind::kTransport, errno,
                 std::string("open inotify: ") + std::strerror(errno) +
                     (errno == EMFILE ? " (fs.inotify.max_user_instances?)" : "")};
  return Inotify(std::move(fd));
}

Result<int> Inotify::watch(const std::string& path, std::uint32_t mask) {
  const int number = ::inotify_add_watch(fd_.get(), path.c_str(), mask);
  if (number < 0)
    return Error{ErrorKind::kTransport, errno,
                 "watch " + path + ": " + std::strerror(errno) +
                     (errno == ENOSPC ? " (fs.inotify.max_user_watches?)" : "")};
  return number;
}

void Inotify::forget(int watch) {
  // Fails only for a watch that ended by itself, which is what was asked for.
  static_cast<void>(::inotify_rm_watch(fd_.get(), watch));
}

void Inotify::drain(const std::function<void(const Event&)>& on_event) {
  std::array<std::byte, std::size_t{16} * 1024> buffer{};
  for (;;) {
    const ssize_t count = ::read(fd_.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    const auto end = static_cast<std::size_t>(count);
    for (std::size_t at = 0; at + sizeof(inotify_event) <= end;) {
      inotify_event event{};
      std::memcpy(&event, buffer.data() + at, sizeof(event));
      at += sizeof(event);
      if (event.len > end - at) return;
      const char* const name = reinterpret_cast<const char*>(buffer.data() + at);
      on_event({event.wd, event.mask, std::string_view(name, ::strnlen(name, event.len))});
      at += event.len;
    }
  }
}

}  // namespace twobox
