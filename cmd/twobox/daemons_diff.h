// A difference as the daemon sees it.
#pragma once

#include <string>

#include "twobox/api_client.h"
#include "twobox/commands.h"

namespace twobox {

/// Sends a request whose answer is a difference and prints it; the exit status of `twobox diff`.
int ask_and_print_diff(const std::string& api, Request request, OutputFormat format);

}  // namespace twobox
