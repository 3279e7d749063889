// Spans of time as people write them.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace twobox {

/// A whole number and its unit: "500ms", "10s", "1m", "24h". nullopt for other texts and for more
/// than a year.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// In the largest unit that says it without a fraction; zero is "0s".
std::string duration_text(std::chrono::milliseconds duration);

}  // namespace twobox
