// The difference of two maps of kernel objects. Pure; the same for every kind.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "reconciler/objects.h"

namespace twobox {

/// Changes that turn `have` into `want`, in key order. Empty exactly when the two are equal.
template <typename Key, typename Config>
std::vector<ChangeOf<Key, Config>> diff(const std::map<Key, Config>& want,
                                        const std::map<Key, Config>& have) {
  std::vector<ChangeOf<Key, Config>> changes;
  auto wanted = want.begin();
  auto found = have.begin();
  while (wanted != want.end() || found != have.end()) {
    if (found == have.end() || (wanted != want.end() && wanted->first < found->first)) {
      changes.push_back({wanted->first, std::nullopt, wanted->second});
      ++wanted;
    } else if (wanted == want.end() || found->first < wanted->first) {
      changes.push_back({found->first, found->second, std::nullopt});
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

}  // namespace twobox
