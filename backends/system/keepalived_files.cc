#include "backends/system/keepalived_files.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "backends/system/config_files.h"
#include "backends/text_file.h"

namespace twobox {

Result<std::vector<KeepalivedFile>> keepalived_files(const std::string& root,
                                                     const std::string& pattern,
                                                     const std::string& from) {
  const std::string directory = from.substr(0, from.rfind('/') + 1);
  const auto paths = matching_paths(root, pattern.starts_with('/') ? pattern : directory + pattern);
  if (!paths) return paths.error();
  std::vector<KeepalivedFile> files;
  for (const std::string& path : *paths) {
    auto text = read_text_file(root + path);
    if (!text) return text.error();
    files.push_back({path, *std::move(text)});
  }
  return files;
}

Result<std::vector<KeepalivedLine>> keepalived_configuration(const std::string& root) {
  const KeepalivedInclude include = [&root](const std::string& pattern, const std::string& from) {
    return keepalived_files(root, pattern, from);
  };
  const auto files = keepalived_files(root, "/etc/keepalived/*.conf", "");
  if (!files) return files.error();
  std::vector<KeepalivedLine> all;
  for (const KeepalivedFile& file : *files) {
    auto lines = read_keepalived(file, include);
    if (!lines) return lines.error();
    std::ranges::move(*lines, std::back_inserter(all));
  }
  return all;
}

}  // namespace twobox
