// What a desired state was made of: it need be made again only when something of that has changed.
#pragma once

#include <set>

#include "reconciler/draining.h"
#include "reconciler/health.h"
#include "reconciler/resolve.h"

namespace twobox {

/// Beside the document, and the time that DesiredState::next_change names.
struct Premises {
  NodeName node;
  Roles roles;
  HealthMap health;
  DrainOverrides drains;
  DrainBegins drain_begins;
  std::set<VipName> answering_peers;  // see Promotions
  friend bool operator==(const Premises&, const Premises&) = default;
};

}  // namespace twobox
