// Points in time: the clock to measure with, the clock to show, and how the latter is written.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace twobox {

/// Delays are counted on the steady clock, which no administrator sets back.
using SteadyTime = std::chrono::steady_clock::time_point;
using WallTime = std::chrono::system_clock::time_point;

/// One moment on both clocks.
struct Moment {
  SteadyTime steady;
  WallTime wall;
  friend bool operator==(const Moment&, const Moment&) = default;
};

/// RFC 3339 in UTC with milliseconds: "2026-01-02T03:04:05.678Z".
std::string time_text(WallTime time);

/// Reads time_text()'s form and no other.
std::optional<WallTime> parse_time(const std::string& text);

}  // namespace twobox
