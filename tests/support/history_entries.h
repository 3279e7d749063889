// Entries of a history, for tests.
#pragma once

#include <cerrno>
#include <string>

#include "reconciler/history.h"

namespace twobox::testing {

/// Made at 2026-01-02T03:04:05.678Z; `key` tells one from another.
inline HistoryEntry history_entry(const std::string& key) {
  return {.at = WallTime{std::chrono::milliseconds{1'767'323'045'678}},
          .cause = Cause::kDrift,
          .action = "update",
          .kind = "sysctl",
          .key = key,
          .before = R"({"value":"0"})",
          .after = R"({"value":"1"})",
          .reason = "held by the document",
          .duration = std::chrono::milliseconds{12},
          .error = {}};
}

inline HistoryEntry refused_entry(const std::string& key) {
  HistoryEntry entry = history_entry(key);
  entry.before.reset();
  entry.error = Error{ErrorKind::kKernelRefused, EPERM, "write: Operation not permitted"};
  return entry;
}

}  // namespace twobox::testing
