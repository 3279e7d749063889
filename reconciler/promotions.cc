#include "reconciler/promotions.h"

#include <algorithm>

namespace twobox {

/// Puts `vip` into `next` with the deadline it has, or gets now.
void Promotions::prolong(Deadlines& next, const Deadlines& now, const VipName& vip, bool came_now,
                         std::chrono::seconds patience, SteadyTime time) {
  const auto begun = now.find(vip);
  if (!came_now && begun == now.end()) return;
  const SteadyTime until = came_now ? time + patience : begun->second;
  if (until > time) next.emplace(vip, until);
}

std::set<VipName> Promotions::names_of(const Deadlines& deadlines) {
  std::set<VipName> names;
  for (const auto& [name, until] : deadlines) names.insert(name);
  return names;
}

Roles Promotions::act_on(const Document& document, const VipRoles& decided, SteadyTime now) {
  Roles roles = roles_of(decided);
  Deadlines waiting;
  Deadlines taking_over;
  Deadlines answering;
  for (const auto& [name, vip] : document.vips) {
    if (decided.at(name).role != Role::kMaster) continue;
    const auto last = last_.find(name);
    const bool came_now = last != last_.end() && last->second.role != Role::kMaster;
    if (vip.bypass == Bypass::kBackupOnly && is_followed(vip.role))
      prolong(waiting, waiting_, name, came_now, kPeerGivesWay, now);
    if (vip.bypass == Bypass::kBackupOnly && !is_followed(vip.role))
      prolong(taking_over, taking_over_, name, came_now, kPeerIsAsked, now);
    if (vip.bypass == Bypass::kRedirect)
      prolong(answering, answering_, name, came_now, kPeersAnswered, now);
    if (waiting.contains(name) || taking_over.contains(name)) roles[name] = Role::kBackup;
  }
  waiting_ = std::move(waiting);
  taking_over_ = std::move(taking_over);
  answering_ = std::move(answering);
  last_ = decided;
  return roles;
}

std::set<VipName> Promotions::answering_peers() const {
  return names_of(answering_);
}

std::set<VipName> Promotions::taking_over() const {
  return names_of(taking_over_);
}

std::optional<SteadyTime> Promotions::next() const {
  std::optional<SteadyTime> next;
  for (const Deadlines* const deadlines : {&waiting_, &taking_over_, &answering_})
    for (const auto& [name, until] : *deadlines) next = next ? std::min(*next, until) : until;
  return next;
}

}  // namespace twobox
