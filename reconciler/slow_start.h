// The weight of a server that has come up again grows in ten steps. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "reconciler/moment.h"

namespace twobox {

/// What a server of full weight `weight` has `age` after it came up: a tenth at first (1 at least),
/// all of it after `span`, whole numbers in between. A weight of 0 stays 0.
std::uint32_t slow_start_weight(std::uint32_t weight, SteadyTime::duration age,
                                std::chrono::seconds span);

/// The age at which it next has more; nullopt: it has all.
std::optional<SteadyTime::duration> next_weight_at(std::uint32_t weight, SteadyTime::duration age,
                                                   std::chrono::seconds span);

}  // namespace twobox
