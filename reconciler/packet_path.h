// The way of a client's packet through this node, step by step, and where it is broken. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/backend.h"
#include "reconciler/resolve.h"
#include "reconciler/traffic.h"
#include "schema/validate.h"

namespace twobox {

enum class StepState : std::uint8_t {
  kActive,  // packets take this step
  kIdle,    // as it should be, and not taken in this role
  kBroken,  // not as it should be
};
std::string_view to_string(StepState state);

struct PathStep {
  std::string step;  // arp, mark, redirect, backup-only, ipvs, deliver
  StepState state = StepState::kIdle;
  std::string text;  // one sentence
  /// Counted by the kernel; absent where nothing counts. Rules count for all VIPs of a family.
  std::optional<std::uint64_t> packets;
  friend bool operator==(const PathStep&, const PathStep&) = default;
};

/// One node as it is and as it should be, and what it has counted.
struct NodeView {
  const Document& document;
  const NodeName& node;
  const DesiredState& desired;
  const ObservedState& observed;
  const Traffic& traffic;
};

/// This node's steps for a packet to `vip`, which is one of the document's, in the order a packet
/// takes them. `role`: the one acted on.
std::vector<PathStep> packet_path(const NodeView& view, const VipName& vip, Role role);

}  // namespace twobox
