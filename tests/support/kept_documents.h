// Records of documents, for tests.
#pragma once

#include <string>

#include "reconciler/document_record.h"

namespace twobox::testing {

/// 2026-01-02T03:04:05Z and so many seconds, on both clocks.
inline Moment second(int seconds) {
  return {SteadyTime{} + std::chrono::seconds(1000 + seconds),
          WallTime{std::chrono::seconds(1'767'323'045 + seconds)}};
}

inline KeptDocument kept(const std::string& name, int seconds = 0) {
  return {"\"" + name + "\"", "{\"of\": \"" + name + "\"}\n", second(seconds).wall};
}

/// B on trial in the place of A, from second 0 to 60.
inline DocumentTrial trial_of_b() {
  return *next_trial({}, kept("A"), "\"B\"",
                     {TrialOwner::kDaemon, "this boot", second(0), std::chrono::seconds(60)});
}

inline DocumentRecord full_record() {
  return {{kept("A"), kept("\xc3\xa9\n\"\\")},
          trial_of_b(),
          Reversal{"\"C\"", ReversalReason::kNotConverged, "it did not", second(-9).wall, kept("A"),
                   true}};
}

}  // namespace twobox::testing
