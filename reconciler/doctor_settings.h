// Sysctls of which the kernel takes the larger value of conf/all's and the interface's
// (include/linux/inetdevice.h, IN_DEV_MAXCONF); internal to doctor's files.
#pragma once

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "reconciler/objects.h"
#include "schema/document.h"

namespace twobox::doctor {

constexpr std::string_view kArpIgnore = "arp_ignore";
constexpr std::string_view kArpAnnounce = "arp_announce";
constexpr std::string_view kRpFilter = "rp_filter";
constexpr std::string_view kMaximumSettings[] = {kArpIgnore, kArpAnnounce, kRpFilter};

struct Maximum {
  int all = 0;
  int own = 0;
  int value() const { return std::max(all, own); }
};

/// nullopt: one of the two was not read.
std::optional<Maximum> maximum_of(const KernelState& kernel, const InterfaceName& interface,
                                  std::string_view name);

/// Why there is no Maximum.
std::string unreadable(const InterfaceName& interface, std::string_view name);

/// "arp_ignore is 0 (all 0, eth0 0)".
std::string shown(const Maximum& maximum, const InterfaceName& interface, std::string_view name);

/// "all", whose sysctls are conf/all's.
InterfaceName all_interfaces();

SysctlKey setting_of(const InterfaceName& interface, std::string_view name);
std::string setting_command(const SysctlKey& key, int value);

std::set<InterfaceName> vip_interfaces(const Document& document);

}  // namespace twobox::doctor
