#include "backends/system/config_files.h"

#include <glob.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <memory>
#include <sstream>

#include "backends/text_file.h"

namespace twobox {
namespace {

constexpr std::size_t kMostFiles = 1000;

struct FreeGlob {
  void operator()(glob_t* found) const noexcept { ::globfree(found); }
};

/// Ends the search at a directory that can't be listed; one that is not there is no fault.
int keeps_from_listing(const char*, int errno_value) {
  return errno_value == ENOENT || errno_value == ENOTDIR ? 0 : 1;
}

std::string trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(kSpace) - begin + 1));
}

/// What an include names, as an absolute pattern; "" for any other line.
std::string included_by(const ConfigLine& line) {
  std::istringstream words(line.text);
  std::string keyword;
  std::string pattern;
  words >> keyword >> pattern;
  if (!keyword.starts_with("include")) return "";
  std::erase_if(pattern, [](char c) { return c == '"' || c == '\'' || c == ';'; });
  if (pattern.empty() || pattern.starts_with('/')) return pattern;
  return line.file.substr(0, line.file.rfind('/') + 1) + pattern;
}

/// A file on its way through the reader.
struct OpenFile {
  std::string path;
  std::istringstream text;
  std::size_t lines_read = 0;
};

class Reader {
 public:
  Reader(const std::string& root, std::string_view comment_marks)
      : root_(root), comment_marks_(comment_marks) {}

  Status read(const std::string& pattern) {
    if (const Status opened = open(pattern); !opened) return opened;
    while (!open_.empty())
      if (const Status done = read_line(); !done) return done;
    return success();
  }

  std::vector<ConfigLine> lines() && { return std::move(lines_); }

 private:
  /// So that the pattern's first file is read next.
  Status open(const std::string& pattern) {
    auto paths = matching_paths(root_, pattern);
    if (!paths) return paths.error();
    files_ += paths->size();
    if (files_ > kMostFiles)
      return Error{ErrorKind::kUnavailable, ELOOP,
                   pattern + ": too many files; does one include itself?"};
    std::ranges::reverse(*paths);
    for (const std::string& path : *paths) {
      auto text = read_text_file(root_ + path);
      if (!text) return text.error();
      open_.push_back({path, std::istringstream(*std::move(text)), 0});
    }
    return success();
  }

  Status read_line() {
    OpenFile& file = open_.back();
    std::string whole;
    if (!std::getline(file.text, whole)) {
      open_.pop_back();
      return success();
    }
    ConfigLine line{file.path, ++file.lines_read,
                    trimmed(whole.substr(0, whole.find_first_of(comment_marks_)))};
    if (line.text.empty()) return success();
    const std::string included = included_by(line);
    lines_.push_back(std::move(line));
    return included.empty() ? success() : open(included);
  }

  const std::string& root_;
  std::string_view comment_marks_;
  std::vector<OpenFile> open_;  // the innermost is the last
  std::size_t files_ = 0;
  std::vector<ConfigLine> lines_;
};

}  // namespace

Result<std::vector<std::string>> matching_paths(const std::string& root,
                                                const std::string& pattern) {
  glob_t found{};
  const std::string whole = root + pattern;
  const int code = ::glob(whole.c_str(), 0, keeps_from_listing, &found);
  const std::unique_ptr<glob_t, FreeGlob> owner(&found);
  if (code != 0 && code != GLOB_NOMATCH)
    return Error{ErrorKind::kUnavailable, errno, "list " + whole + ": " + std::strerror(errno)};
  std::vector<std::string> paths;
  for (std::size_t at = 0; at < found.gl_pathc; ++at)
    paths.push_back(std::string(found.gl_pathv[at]).substr(root.size()));
  return paths;
}

Result<std::vector<ConfigLine>> config_lines(const std::string& root, const std::string& pattern,
                                             std::string_view comment_marks) {
  Reader reader(root, comment_marks);
  if (const Status done = reader.read(pattern); !done) return done.error();
  return std::move(reader).lines();
}

}  // namespace twobox
