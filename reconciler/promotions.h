// How soon a node acts on having become master by somebody else's hand.
#pragma once

#include <chrono>
#include <map>
#include <optional>

#include "reconciler/refusals.h"
#include "reconciler/roles.h"

namespace twobox {

/// The address of a followed VIP is here before the old master has given it up, or has put its
/// bypass on. Who lifts the own bypass meanwhile makes two directors that forward to each other;
/// who waits serves alone. So backup-only waits; the others tell a peer's packets by its MAC in
/// every role. Pure: the caller owns the clock.
class Promotions {
 public:
  /// Many times what a peer was seen to need (17 ms in the median, 53 ms at most, on an emulated
  /// machine), and too short to be missed.
  static constexpr std::chrono::seconds kPeerGivesWay{1};

  /// The roles to act on now: those decided, but backup where a followed VIP has come only just.
  /// One that was here when first asked about has been for long: nothing is taken back from it.
  Roles act_on(const Document& document, const VipRoles& decided, SteadyTime now);

  /// When act_on() will say something else, if all stays as it is.
  std::optional<SteadyTime> next() const;

 private:
  VipRoles last_;
  std::map<VipName, SteadyTime> waiting_;  // until when
};

}  // namespace twobox
