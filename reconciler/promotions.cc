#include "reconciler/promotions.h"

#include <algorithm>

namespace twobox {
namespace {

bool waits(const Vip& vip, Role decided) {
  return is_followed(vip.role) && vip.bypass == Bypass::kBackupOnly && decided == Role::kMaster;
}

}  // namespace

Roles Promotions::act_on(const Document& document, const VipRoles& decided, SteadyTime now) {
  Roles roles = roles_of(decided);
  std::map<VipName, SteadyTime> waiting;
  for (const auto& [name, vip] : document.vips) {
    if (!waits(vip, decided.at(name).role)) continue;
    const auto last = last_.find(name);
    const bool came_now = last != last_.end() && last->second.role != Role::kMaster;
    const auto begun = waiting_.find(name);
    if (!came_now && begun == waiting_.end()) continue;
    const SteadyTime until = came_now ? now + kPeerGivesWay : begun->second;
    if (until <= now) continue;
    roles[name] = Role::kBackup;
    waiting.emplace(name, until);
  }
  waiting_ = std::move(waiting);
  last_ = decided;
  return roles;
}

std::optional<SteadyTime> Promotions::next() const {
  const auto first =
      std::ranges::min_element(waiting_, {}, [](const auto& waiting) { return waiting.second; });
  if (first == waiting_.end()) return std::nullopt;
  return first->second;
}

}  // namespace twobox
