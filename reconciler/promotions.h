// How a node behaves that has become master only just.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>

#include "reconciler/refusals.h"
#include "reconciler/roles.h"

namespace twobox {

/// Two nodes change their roles each in its own time: for a while the old master still directs. Two
/// directors forward to each other, so the new one takes care. With redirect it answers what its
/// peers send, and with mac-mark it always does. With backup-only it stays backup for a while:
/// where the address has come already it serves alone, and where it is ours to set it asks the
/// peers whether they have given it up (Handover). Pure: the caller owns the clock.
class Promotions {
 public:
  /// Many times what a peer was seen to need (17 ms in the median, 53 ms at most, on an emulated
  /// machine), and too short to be missed.
  static constexpr std::chrono::seconds kPeerGivesWay{1};
  /// Who still holds a VIP by then has another document, and this node's is to be done.
  static constexpr std::chrono::seconds kPeerIsAsked{2};
  /// This costs nothing, so there is time for a peer that is slow to read its document.
  static constexpr std::chrono::seconds kPeersAnswered{10};

  /// The roles to act on now: those decided, but backup where backup-only has its new master wait.
  /// One that was master when first asked about has been for long: nothing is taken back from it.
  Roles act_on(const Document& document, const VipRoles& decided, SteadyTime now);

  /// The VIPs that wait for peers to give them up, and so don't once peers_gave_way() says they
  /// have.
  std::set<VipName> taking_over() const;
  void peers_gave_way() { taking_over_.clear(); }

  /// The VIPs whose peers' packets are to be answered here; see answer_peers().
  std::set<VipName> answering_peers() const;

  /// When any of this becomes other, if all stays as it is.
  std::optional<SteadyTime> next() const;

 private:
  using Deadlines = std::map<VipName, SteadyTime>;

  static std::set<VipName> names_of(const Deadlines& deadlines);
  static void prolong(Deadlines& next, const Deadlines& now, const VipName& vip, bool came_now,
                      std::chrono::seconds patience, SteadyTime time);

  VipRoles last_;
  Deadlines waiting_;
  Deadlines taking_over_;
  Deadlines answering_;
};

}  // namespace twobox
