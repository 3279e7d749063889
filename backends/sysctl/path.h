// From sysctl(8)'s names to files.
#pragma once

#include <optional>
#include <string>

#include "reconciler/objects.h"

namespace twobox {

/// The file of a sysctl below `root`: '.' separates parts, a '/' stands for a dot inside a part, so
/// "net.ipv4.conf.eth0/100.rp_filter" is net/ipv4/conf/eth0.100/rp_filter.
/// nullopt: a part is empty, "." or "..", or holds a NUL byte; such a name could leave `root`.
std::optional<std::string> sysctl_path(const std::string& root, const SysctlKey& key);

}  // namespace twobox
