#include "api/etag.h"

#include <openssl/evp.h>

#include <array>

namespace twobox {
namespace {

constexpr std::size_t kDigestBytesShown = 16;

/// `list` is "*" or tags with commas between them; none of ours has a comma in it.
bool names(std::string_view list, std::string_view etag) {
  if (etag.empty()) return false;
  if (list == "*") return true;
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    std::string_view tag = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    while (tag.starts_with(' ')) tag.remove_prefix(1);
    while (tag.ends_with(' ')) tag.remove_suffix(1);
    if (tag == etag) return true;
  }
  return false;
}

}  // namespace

std::string etag_of(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_sha256(), nullptr);
  std::string tag = "\"";
  for (std::size_t i = 0; i < kDigestBytesShown; ++i) {
    tag += kDigits[digest.at(i) >> 4];
    tag += kDigits[digest.at(i) & 15];
  }
  return tag + "\"";
}

bool holds(const EtagCondition& condition, const std::string& etag) {
  if (!condition.if_match.empty() && !names(condition.if_match, etag)) return false;
  return condition.if_none_match.empty() || !names(condition.if_none_match, etag);
}

}  // namespace twobox
