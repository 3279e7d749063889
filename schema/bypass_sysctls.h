// Which sysctls a bypass scheme rests on: a rule of the document as much as of the kernel state.
#pragma once

#include <map>
#include <string>

#include "schema/document.h"

namespace twobox {

/// 1: IPVS lets every packet pass while the backup sync daemon runs.
constexpr char kBackupOnlySysctl[] = "net.ipv4.vs.backup_only";

/// Where the names of an interface's IPv4 sysctls begin, "net.ipv4.conf.eth0/100.": as in
/// sysctl(8), a dot within a name is written '/'.
std::string interface_sysctls(const InterfaceName& interface);

/// True when every node has the VIP on lo, so that it accepts what its peers forward to it. With
/// redirect that is needed only for connections that a node knows by sync.
bool is_parked_on_loopback(const Document& document, const Vip& vip);

/// The sysctls that must be held for the VIP's bypass, by name, and their values.
std::map<std::string, std::string> bypass_sysctls(const Document& document, const Vip& vip);

}  // namespace twobox
