// Settings of a two-node cluster for the test of order: every scheme, several documents, and every
// pair of roles, each brought about in kernels in memory.
#pragma once

#include <array>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "reconciler/ownership.h"
#include "reconciler/resolve.h"

namespace twobox::test {

inline constexpr std::array kSchemes = {Bypass::kNone, Bypass::kRedirect, Bypass::kMacMark,
                                        Bypass::kBackupOnly};

/// "172.16.0.30" or "fd00:16::30". VIPs end in 30 and 29, the nodes in 31 and 32, and 41 is a plain
/// real server.
IpAddress address(AddressFamily family, const std::string& last);

InterfaceName wire();

/// One node, with the kernel as its document left it.
struct Box {
  DesiredState desired;
  KernelState kernel;
  OwnershipRecord record;
};

struct Setting {
  std::string name;              // "redirect, web, a master, b backup"
  std::optional<Bypass> scheme;  // absent: no document was ever applied
  std::string shape;             // what the document asks for beside the scheme
  std::array<Box, 2> boxes;      // a and b
  std::set<Endpoint> endpoints;  // the document's services

  /// Bit 0: a is to hold the address; bit 1: b is.
  unsigned masters(const IpAddress& vip) const;
};

/// Those of every scheme, and the empty cluster.
std::vector<Setting> all_settings(AddressFamily family);

}  // namespace twobox::test
