// What became of a document that the daemon was told to hold.
#pragma once

#include <string>

#include "twobox/api_client.h"
#include "twobox/commands.h"

namespace twobox {

/// Sends a request that puts a document in force or confirms it, and prints the answer; the exit
/// status of `twobox put`: 0 converged, 3 not yet, 1 refused.
int ask_and_print_outcome(const std::string& api, const Request& request, OutputFormat format);

}  // namespace twobox
