// Reading small files whole.
#pragma once

#include <string>

#include "schema/error.h"

namespace twobox {

/// `flags` are more of open(2)'s. Error: kUnavailable with errno, "read PATH: ...".
Result<std::string> read_text_file(const std::string& path, int flags = 0);

}  // namespace twobox
