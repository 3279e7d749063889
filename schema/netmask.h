// IPv4 netmasks as people write them.
#pragma once

#include <optional>
#include <string_view>

namespace twobox {

/// "255.255.255.0" -> 24. nullopt for other texts, for no bit at all, and for masks with a gap.
std::optional<unsigned> netmask_length(std::string_view text);

}  // namespace twobox
