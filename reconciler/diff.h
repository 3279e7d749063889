// The difference of two maps of kernel objects. Pure; the same for every kind.
#pragma once

#include <compare>
#include <map>
#include <optional>
#include <vector>

#include "reconciler/objects.h"

namespace twobox {

/// Changes that turn `have` into `want`, in key order. Of what is not wanted only that goes which
/// `may_go`, called with its key, says yes to. If it always does, empty exactly when the two are
/// equal.
template <typename Key, typename Config, typename MayGo>
std::vector<ChangeOf<Key, Config>> diff(const std::map<Key, Config>& want,
                                        const std::map<Key, Config>& have, const MayGo& may_go) {
  std::vector<ChangeOf<Key, Config>> changes;
  auto wanted = want.begin();
  auto found = have.begin();
  while (wanted != want.end() || found != have.end()) {
    const std::weak_ordering order = found == have.end()    ? std::weak_ordering::less
                                     : wanted == want.end() ? std::weak_ordering::greater
                                                            : wanted->first <=> found->first;
    if (order < 0) {
      changes.push_back({wanted->first, std::nullopt, wanted->second});
      ++wanted;
    } else if (order > 0) {
      if (may_go(found->first)) changes.push_back({found->first, found->second, std::nullopt});
      ++found;
    } else {
      if (wanted->second != found->second)
        changes.push_back({wanted->first, found->second, wanted->second});
      ++wanted;
      ++found;
    }
  }
  return changes;
}

template <typename Key, typename Config>
std::vector<ChangeOf<Key, Config>> diff(const std::map<Key, Config>& want,
                                        const std::map<Key, Config>& have) {
  return diff(want, have, [](const Key&) { return true; });
}

/// Calls `visit` with each key of `have` that `want` lacks, in order.
template <typename Key, typename Config, typename Visit>
void for_each_unwanted(const std::map<Key, Config>& want, const std::map<Key, Config>& have,
                       const Visit& visit) {
  auto wanted = want.begin();
  for (const auto& [key, config] : have) {
    while (wanted != want.end() && wanted->first < key) ++wanted;
    if (wanted == want.end() || key < wanted->first) visit(key);
  }
}

}  // namespace twobox
