// What the tests of the status recorder share.
#pragma once

#include <chrono>

#include "reconciler/status_recorder.h"

namespace twobox::testing {

/// So many seconds after the daemon's start, on both clocks.
inline Moment at(int seconds) {
  return {SteadyTime{} + std::chrono::seconds(seconds),
          WallTime{std::chrono::seconds(1'767'323'045)} + std::chrono::seconds(seconds)};
}

inline StatusRecorder with_document() {
  StatusRecorder recorder("doc.json", "file", at(0));
  recorder.document_accepted(at(1));
  return recorder;
}

inline const Condition& condition(const StatusRecorder& recorder, const char* type) {
  return recorder.report().conditions.at(type);
}

}  // namespace twobox::testing
