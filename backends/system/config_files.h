// Other programs' configuration: its files, with what they include.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "reconciler/doctor_facts.h"
#include "schema/error.h"

namespace twobox {

/// The paths that a shell's pattern stands for, in order; none is no error. `root` goes before the
/// pattern and is not in the result. Error: kUnavailable if a directory can't be listed.
Result<std::vector<std::string>> matching_paths(const std::string& root,
                                                const std::string& pattern);

/// The lines of all files of the pattern and, where a line's first word begins with "include", of
/// the files that its second stands for, as seen from the including file's directory (nft's and
/// keepalived's way). Without what stands behind one of `comment_marks`, and without empty lines.
/// Errors: matching_paths()'s; kUnavailable if a file can't be read, or there are more than
/// 1000.
Result<std::vector<ConfigLine>> config_lines(const std::string& root, const std::string& pattern,
                                             std::string_view comment_marks);

}  // namespace twobox
