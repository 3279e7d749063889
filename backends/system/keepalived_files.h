// keepalived's configuration from its files. `root` goes before every path; it is "" but in tests.
#pragma once

#include <string>
#include <vector>

#include "reconciler/keepalived_text.h"
#include "schema/error.h"

namespace twobox {

/// The files of a shell's pattern, in order; none is no error. A relative pattern is seen from the
/// directory of the file `from`, as keepalived does. Error: kUnavailable.
Result<std::vector<KeepalivedFile>> keepalived_files(const std::string& root,
                                                     const std::string& pattern,
                                                     const std::string& from);

/// What stands in /etc/keepalived/*.conf and what these include. Errors: read_keepalived()'s, and
/// kUnavailable if a file can't be read.
Result<std::vector<KeepalivedLine>> keepalived_configuration(const std::string& root);

}  // namespace twobox
