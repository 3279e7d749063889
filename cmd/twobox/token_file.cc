#include "twobox/token_file.h"

#include <string_view>

#include "twobox/files.h"

namespace twobox {
namespace {

constexpr std::size_t kMaxTokenFileBytes = 4096;
constexpr std::string_view kSpace = " \t\r\n";

}  // namespace

std::optional<std::string> read_token(const std::string& file) {
  const auto text = read_file(file, kMaxTokenFileBytes);
  if (!text) return std::nullopt;
  const std::size_t first = text->find_first_not_of(kSpace);
  if (first == text->npos) return std::nullopt;
  std::string token = text->substr(first, text->find_last_not_of(kSpace) - first + 1);
  if (token.size() < kMinTokenBytes) return std::nullopt;
  return token;
}

}  // namespace twobox
