// The sysctls of an interface that its link message carries, found by their sysctl name.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "reconciler/objects.h"
#include "schema/net.h"

namespace twobox {

/// One interface's IPv4 and IPv6 configuration, in the kernel's order; empty when the interface has
/// none of that family. Sources: IFLA_INET_CONF (by IPV4_DEVCONF_* - 1), IFLA_INET6_CONF
/// (DEVCONF_*).
struct InterfaceSettings {
  std::vector<std::int32_t> ipv4;
  std::vector<std::int32_t> ipv6;
  friend bool operator==(const InterfaceSettings&, const InterfaceSettings&) = default;
};
using SettingsByInterface = std::map<InterfaceName, InterfaceSettings>;

/// The value of "net.ipv4.conf.IFACE.NAME" or "net.ipv6.conf.IFACE.NAME", as its file shows it.
/// nullopt: not such a name, no such interface, or not in link messages; the file may know it.
std::optional<std::string> find_setting(const SettingsByInterface& settings, const SysctlKey& key);

}  // namespace twobox
