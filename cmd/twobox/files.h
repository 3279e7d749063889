// Reading whole files, and replacing them so that a reader or a crash never meets half of one.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "schema/error.h"

namespace twobox {

/// At most `limit` bytes of a file or of a shell's pipe. Errors: kUnavailable with errno (ENOENT,
/// EACCES ...); EFBIG if there is more; EISDIR and EINVAL for what is no file, without waiting.
Result<std::string> read_file(const std::string& path, std::size_t limit);

/// Writes beside the file, flushes to the disk, renames over it, flushes the directory.
/// Error: kTransport with errno; the old file is then untouched.
Status replace_file(const std::string& path, std::string_view text);

/// replace_file() for a file that is somebody else's: it keeps its owner and mode, and a symbolic
/// link stays one.
Status rewrite_file(const std::string& path, std::string_view text);

}  // namespace twobox
