// The difference of two maps of kernel objects. Pure; the same for every kind.
#pragma once

#include <compare>
#include <map>
#include <optional>
#include <vector>

#include "reconciler/objects.h"

namespace twobox {

/// Calls `visit(a's entry, b's entry)` for each key that the two have differently, in key order;
/// the entry is null where one lacks the key. Ends early when `visit` returns false.
template <typename Key, typename Config, typename Visit>
void for_each_difference(const std::map<Key, Config>& a, const std::map<Key, Config>& b,
                         const Visit& visit) {
  auto left = a.begin();
  auto right = b.begin();
  bool goes_on = true;
  while (goes_on && (left != a.end() || right != b.end())) {
    const std::weak_ordering order = right == b.end()  ? std::weak_ordering::less
                                     : left == a.end() ? std::weak_ordering::greater
                                                       : left->first <=> right->first;
    const auto* const in_a = order <= 0 ? &*left++ : nullptr;
    const auto* const in_b = order >= 0 ? &*right++ : nullptr;
    if (in_a == nullptr || in_b == nullptr || in_a->second != in_b->second)
      goes_on = visit(in_a, in_b);
  }
}

/// Changes that turn `have` into `want`, in key order. Of what is not wanted only that goes which
/// `may_go`, called with its key, says yes to. If it always does, empty exactly when the two are
/// equal.
template <typename Key, typename Config, typename MayGo>
std::vector<ChangeOf<Key, Config>> diff(const std::map<Key, Config>& want,
                                        const std::map<Key, Config>& have, const MayGo& may_go) {
  std::vector<ChangeOf<Key, Config>> changes;
  for_each_difference(want, have, [&](const auto* wanted, const auto* found) {
    if (wanted != nullptr && found != nullptr)
      changes.push_back({wanted->first, found->second, wanted->second});
    else if (wanted != nullptr)
      changes.push_back({wanted->first, std::nullopt, wanted->second});
    else if (may_go(found->first))
      changes.push_back({found->first, found->second, std::nullopt});
    return true;
  });
  return changes;
}

template <typename Key, typename Config>
std::vector<ChangeOf<Key, Config>> diff(const std::map<Key, Config>& want,
                                        const std::map<Key, Config>& have) {
  return diff(want, have, [](const Key&) { return true; });
}

}  // namespace twobox
