// What tells one boot, and one network namespace, from another.
#pragma once

#include <string>

#include "schema/error.h"

namespace twobox {

/// A text that no other network namespace has until the next reboot. The inode of /proc/self/ns/net
/// is used anew as soon as a namespace is gone; the cookie is not (net/core/net_namespace.c,
/// Linux 5.14). Error: kUnavailable.
Result<std::string> network_namespace_id();

/// The kernel's id of this boot. Error: kUnavailable.
Result<std::string> boot_id();

}  // namespace twobox
