#pragma once

#include <string>
#include <string_view>

namespace twobox {

/// Runs of white space become one space, none at the ends: the kernel separates vectors by tabs,
/// and people write spaces.
std::string normal_sysctl_value(std::string_view value);

}  // namespace twobox
