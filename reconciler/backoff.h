#pragma once

#include <algorithm>
#include <chrono>

namespace twobox {

/// 100 ms, doubling, at most 60 s. Zero failures: no delay.
constexpr std::chrono::milliseconds retry_delay(unsigned consecutive_failures) {
  using std::chrono::milliseconds;
  if (consecutive_failures == 0) return milliseconds{0};
  const unsigned doublings = std::min(consecutive_failures - 1, 16U);
  return std::min(milliseconds{60'000}, milliseconds{100} * (1U << doublings));
}
static_assert(retry_delay(0) == std::chrono::milliseconds{0});
static_assert(retry_delay(1) == std::chrono::milliseconds{100});
static_assert(retry_delay(2) == std::chrono::milliseconds{200});
static_assert(retry_delay(1'000'000) == std::chrono::seconds{60});

}  // namespace twobox
