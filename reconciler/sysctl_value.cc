#include "reconciler/sysctl_value.h"

#include <algorithm>

namespace twobox {

std::string normal_sysctl_value(std::string_view value) {
  constexpr std::string_view kWhiteSpace = " \t\r\n\v\f";
  std::string normal;
  for (std::size_t at = value.find_first_not_of(kWhiteSpace); at != std::string_view::npos;) {
    const std::size_t end = std::min(value.find_first_of(kWhiteSpace, at), value.size());
    if (!normal.empty()) normal += ' ';
    normal += value.substr(at, end - at);
    at = value.find_first_not_of(kWhiteSpace, end);
  }
  return normal;
}

}  // namespace twobox
