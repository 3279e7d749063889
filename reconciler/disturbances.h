// Whether somebody undoes, again and again, what this node holds.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "reconciler/history.h"
#include "reconciler/server_status.h"

namespace twobox {

/// Pure: every moment is an argument.
class Disturbances {
 public:
  /// So many times put back, each time so soon after the last, and it is no accident any more.
  static constexpr std::size_t kTooOften = 10;
  static constexpr std::chrono::seconds kSoon{10};

  /// What a pass tried.
  void note(const std::vector<HistoryEntry>& tried, Moment now);
  /// Absent: all is quiet.
  std::optional<Finding> finding(Moment now) const;

 private:
  struct Repairs {
    std::size_t times = 0;
    WallTime since;
    SteadyTime last;
  };
  std::map<std::string, Repairs> objects_;  // by name; those put back a short while ago
};

}  // namespace twobox
