// Sockets that hear what the kernel tells of its own accord.
#pragma once

#include <linux/genetlink.h>

#include <initializer_list>

#include "backends/netlink/handles.h"
#include "schema/error.h"

namespace twobox::netlink {

/// Families that come and go: the one group of the generic netlink controller has the controller's
/// number. (net/netlink/genetlink.c, genl_ctrl_groups)
constexpr int kFamiliesGroup = GENL_ID_CTRL;

/// A socket that never blocks, on which notifications of `groups` arrive. `protocol` as
/// Socket::open(). Errors: kUnavailable with EPERM or EACCES; kTransport.
Result<FileDescriptor> subscribe(int protocol, std::initializer_list<int> groups);

}  // namespace twobox::netlink
