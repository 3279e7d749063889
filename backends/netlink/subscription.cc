#include "backends/netlink/subscription.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace twobox::netlink {
namespace {

Error failure(const std::string& doing) {
  const int errno_value = errno;
  const bool forbidden = errno_value == EPERM || errno_value == EACCES;
  return {
      forbidden ? ErrorKind::kUnavailable : ErrorKind::kTransport, errno_value,
      doing + ": " + std::strerror(errno_value) + (forbidden ? "; CAP_NET_ADMIN is needed" : "")};
}

}  // namespace

Result<FileDescriptor> subscribe(int protocol, std::initializer_list<int> groups) {
  FileDescriptor socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
  if (!socket.is_open()) return failure("open a netlink socket for events");
  sockaddr_nl any_port{};
  any_port.nl_family = AF_NETLINK;
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&any_port), sizeof(any_port)) != 0)
    return failure("bind the netlink socket for events");
  for (const int group : groups)
    if (::setsockopt(socket.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) != 0)
      return failure("join netlink group " + std::to_string(group));
  return socket;
}

}  // namespace twobox::netlink
