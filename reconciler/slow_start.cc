#include "reconciler/slow_start.h"

#include <algorithm>

namespace twobox {
namespace {

using Age = SteadyTime::duration;

constexpr int kSteps = 10;

std::uint32_t weight_in_step(std::uint32_t weight, int step) {
  const std::uint64_t tenths = std::uint64_t{weight} * static_cast<std::uint64_t>(step) / kSteps;
  return std::min(weight, std::max<std::uint32_t>(1, static_cast<std::uint32_t>(tenths)));
}

/// The age at which a step begins; the first begins at once, the last when the span is over.
Age begin_of(int step, std::chrono::seconds span) {
  return Age(span) * (step - 1) / (kSteps - 1);
}

int step_at(Age age, std::chrono::seconds span) {
  int step = 1;
  while (step < kSteps && begin_of(step + 1, span) <= age) ++step;
  return step;
}

}  // namespace

std::uint32_t slow_start_weight(std::uint32_t weight, Age age, std::chrono::seconds span) {
  return weight_in_step(weight, step_at(age, span));
}

std::optional<Age> next_weight_at(std::uint32_t weight, Age age, std::chrono::seconds span) {
  const int now = step_at(age, span);
  for (int step = now + 1; step <= kSteps; ++step)
    if (weight_in_step(weight, step) > weight_in_step(weight, now)) return begin_of(step, span);
  return std::nullopt;
}

}  // namespace twobox
