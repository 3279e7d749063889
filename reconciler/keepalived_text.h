// keepalived.conf as a tree of lines; what they mean is import_keepalived()'s.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "schema/error.h"

namespace twobox {

/// A file that may hold configuration.
struct KeepalivedFile {
  std::string path;  // as messages name it
  std::string text;
};

/// What an `include` means, in keepalived's order; none is no error. `from` is the path of the file
/// that has the line.
using KeepalivedInclude = std::function<Result<std::vector<KeepalivedFile>>(
    const std::string& pattern, const std::string& from)>;

struct KeepalivedLine {
  std::vector<std::string> words;  // never empty; quotes are gone
  std::vector<KeepalivedLine> block;
  std::string place;  // "PATH:NUMBER"

  const std::string& keyword() const { return words.front(); }
  /// "" where there is no such word.
  std::string_view word(std::size_t i) const {
    return i < words.size() ? std::string_view(words[i]) : std::string_view();
  }
};

/// Of `include` lines the files' own lines stand in their place. Comments begin at '#' or '!'
/// outside quotes. A block's '{' may stand on the next line, and a block on one line.
///
/// Left as they are: definitions ($NAME=VALUE), conditions (@NAME ...) and sequences (~SEQ), which
/// need keepalived itself.
///
/// Error: kInvalidDocument with the place: braces that do not match, a quote without its partner,
/// more than 16 blocks or files in one another, more than 1000 files. And `include`'s.
/// Source: keepalived.conf(5) of keepalived 2.2.7.
Result<std::vector<KeepalivedLine>> read_keepalived(const KeepalivedFile& file,
                                                    const KeepalivedInclude& include);

}  // namespace twobox
