#include "twobox/machine_ids.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "backends/file_descriptor.h"
#include "reconciler/sysctl_value.h"
#include "twobox/files.h"

namespace twobox {

Result<std::string> network_namespace_id() {
#ifndef SO_NETNS_COOKIE
  constexpr int SO_NETNS_COOKIE = 71;
#endif
  const FileDescriptor fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  std::uint64_t cookie = 0;
  socklen_t length = sizeof(cookie);
  if (fd.is_open() && ::getsockopt(fd.get(), SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length) == 0)
    return std::to_string(cookie);
  struct stat status {};
  if (::stat("/proc/self/ns/net", &status) != 0)
    return Error{ErrorKind::kUnavailable, errno,
                 std::string("look at /proc/self/ns/net: ") + std::strerror(errno)};
  return "inode-" + std::to_string(status.st_ino);
}

Result<std::string> boot_id() {
  auto text = read_file("/proc/sys/kernel/random/boot_id", 256);
  if (!text) return text.error();
  return normal_sysctl_value(*text);
}

}  // namespace twobox
