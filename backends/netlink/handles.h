// One owner for every C handle.
#pragma once

#include <netlink/msg.h>
#include <netlink/socket.h>

#include <memory>

#include "backends/file_descriptor.h"

namespace twobox::netlink {

template <auto kFree>
struct FreeWith {
  template <typename T>
  void operator()(T* handle) const noexcept {
    kFree(handle);
  }
};

using SocketHandle = std::unique_ptr<nl_sock, FreeWith<nl_socket_free>>;
using MessageHandle = std::unique_ptr<nl_msg, FreeWith<nlmsg_free>>;

using twobox::FileDescriptor;

}  // namespace twobox::netlink
