#include "backends/events/sysctl_watch.h"

#include <fcntl.h>
#include <sys/inotify.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace twobox {

using netlink::FileDescriptor;

Result<SysctlWatch> SysctlWatch::open() {
  auto inotify = Inotify::open();
  if (!inotify) return inotify.error();
  return SysctlWatch(std::move(*inotify));
}

Status SysctlWatch::set_watched(const std::set<std::string>& paths) {
  std::vector<std::string> unwanted;
  for (const auto& [path, watched] : watched_)
    if (!paths.contains(path)) unwanted.push_back(path);
  for (const std::string& path : unwanted) forget(path);

  Status outcome = success();
  for (const std::string& path : paths)
    if (const Status watching = watch(path); !watching && outcome) outcome = watching;
  return outcome;
}

Status SysctlWatch::watch(const std::string& path) {
  // An inotify watch keeps the inode, but when memory is short the kernel drops the unused
  // directory entry and the next writer gets a new inode, which nobody watches. An open descriptor
  // keeps the entry. (fs/proc/proc_sysctl.c, proc_sys_lookup; seen with vm.drop_caches=2 on 6.18)
  FileDescriptor pin(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!pin.is_open()) {
    const int errno_value = errno;
    forget(path);
    if (errno_value == ENOENT || errno_value == ENOTDIR) return success();
    return Error{ErrorKind::kTransport, errno_value,
                 "watch " + path + ": " + std::strerror(errno_value)};
  }
  const auto number = inotify_.watch(path, IN_MODIFY);
  if (!number) {
    forget(path);
    return number.error();
  }
  const auto known = watched_.find(path);
  if (known != watched_.end() && known->second.number == *number) return success();
  forget(path);
  watched_.emplace(path, Watched{*number, std::move(pin)});
  return success();
}

void SysctlWatch::forget(const std::string& path) {
  const auto known = watched_.find(path);
  if (known == watched_.end()) return;
  inotify_.forget(known->second.number);
  watched_.erase(known);
}

bool SysctlWatch::drain() {
  bool written = false;
  inotify_.drain([&](const Inotify::Event& event) {
    // IN_IGNORED only confirms that we forgot a file.
    if ((event.mask & (IN_MODIFY | IN_Q_OVERFLOW | IN_UNMOUNT)) != 0) written = true;
  });
  return written;
}

}  // namespace twobox
