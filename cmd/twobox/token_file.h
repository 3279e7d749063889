// The token that TCP clients must bring.
#pragma once

#include <optional>
#include <string>

namespace twobox {

constexpr std::size_t kMinTokenBytes = 16;

/// The token in a file, without white space around it. nullopt if it can't be read or is shorter
/// than kMinTokenBytes.
std::optional<std::string> read_token(const std::string& file);

}  // namespace twobox
