#include "backends/sysctl/path.h"

#include <algorithm>
#include <string_view>

namespace twobox {

std::optional<std::string> sysctl_path(const std::string& root, const SysctlKey& key) {
  std::string path = root;
  std::string_view rest = key.name;
  for (bool more = true; more;) {
    const std::size_t dot = rest.find('.');
    more = dot != std::string_view::npos;
    std::string part(rest.substr(0, dot));
    if (more) rest.remove_prefix(dot + 1);
    std::ranges::replace(part, '/', '.');
    if (part.empty() || part == "." || part == ".." || part.find('\0') != std::string::npos)
      return std::nullopt;
    path += '/' + part;
  }
  return path;
}

}  // namespace twobox
