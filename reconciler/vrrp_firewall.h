// Whether the firewall lets VRRP through, by which keepalived decides who holds a followed VIP.
// Where it does not, both machines become master.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reconciler/backend.h"
#include "reconciler/resolve.h"

namespace twobox {

/// A chain that drops VRRP of one family, and what would let it through on one interface.
struct VrrpBlock {
  std::string chain;    // "inet filter input"
  std::string command;  // for whoever holds that table: twobox changes none but its own
  friend bool operator==(const VrrpBlock&, const VrrpBlock&) = default;
};
std::string to_string(const VrrpBlock& block);

struct VrrpVerdict {
  bool readable = false;  // the other tables; if not, nothing is known
  std::vector<VrrpBlock> blocks;
  friend bool operator==(const VrrpVerdict&, const VrrpVerdict&) = default;
};

/// No verdict when no VIP follows. VRRP is looked for on the interfaces and in the families of the
/// VIPs that do.
std::optional<VrrpVerdict> judge_vrrp(const DesiredState& desired, const ObservedState& observed);

}  // namespace twobox
