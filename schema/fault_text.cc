#include "schema/fault_text.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

namespace twobox {
namespace {

constexpr std::size_t kMaxShownCharacters = 64;

bool continues_character(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

/// Bytes of the UTF-8 character that begins at `start`.
std::size_t character_size(std::string_view text, std::size_t start) {
  std::size_t end = start + 1;
  while (end < text.size() && continues_character(text[end])) ++end;
  return end - start;
}

/// C0, DEL and C1; in UTF-8 the last are C2 80 to C2 9F.
bool is_control(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return first < 0x20 || first == 0x7f;
  return first == 0xc2 && static_cast<unsigned char>(character[1]) < 0xa0;
}

void append_escaped(std::string& out, std::string_view character) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  if (character == "\n") {
    out += "\\n";
  } else if (character == "\r") {
    out += "\\r";
  } else if (character == "\t") {
    out += "\\t";
  } else {
    const auto code = static_cast<unsigned char>(character.back());
    out += "\\u00";
    out += kDigits[code >> 4];
    out += kDigits[code & 0xf];
  }
}

/// Levenshtein's distance: single letters put in, taken out or replaced.
std::size_t edit_distance(std::string_view left, std::string_view right) {
  std::vector<std::size_t> row(right.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < left.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < right.size(); ++j) {
      const std::size_t replaced = diagonal + (left[i] == right[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string on_one_line(std::string_view text, std::size_t max_characters) {
  std::string out;
  std::size_t characters = 0;
  for (std::size_t at = 0; at < text.size(); ++characters) {
    if (characters == max_characters) return out + "...";
    const std::string_view character = text.substr(at, character_size(text, at));
    at += character.size();
    if (is_control(character))
      append_escaped(out, character);
    else
      out += character;
  }
  return out;
}

std::string in_quotes(std::string_view text) {
  std::string escaped;
  // A character is at most 4 bytes; what on_one_line() cuts anyway need not be copied.
  for (const char c : text.substr(0, 4 * (kMaxShownCharacters + 1))) {
    if (c == '"' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return "\"" + on_one_line(escaped, kMaxShownCharacters) + "\"";
}

std::string child_pointer(std::string_view parent, std::string_view key) {
  std::string pointer(parent);
  pointer += '/';
  for (const char c : key) {
    if (c == '~')
      pointer += "~0";
    else if (c == '/')
      pointer += "~1";
    else
      pointer += c;
  }
  return pointer;
}

std::string child_pointer(std::string_view parent, std::size_t index) {
  std::string pointer(parent);
  pointer += '/';
  pointer += std::to_string(index);
  return pointer;
}

std::string found_allowed(std::string_view found, std::string_view allowed) {
  std::string detail = "found ";
  detail += found;
  detail += ", allowed is ";
  detail += allowed;
  return detail;
}

std::string one_of(std::span<const std::string_view> words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
    text += in_quotes(words[i]);
  }
  return text;
}

std::string_view nearest_word(std::string_view text, std::span<const std::string_view> words) {
  // Longer than any of our words and one more mistake: not worth the square of its length.
  constexpr std::size_t kMaxLength = 32;
  if (text.size() > kMaxLength) return "";
  std::string_view nearest;
  std::size_t least = 0;
  for (const std::string_view word : words) {
    const std::size_t distance = edit_distance(text, word);
    const std::size_t tolerated = std::max<std::size_t>(1, word.size() / 3);
    if (distance > tolerated) continue;
    if (nearest.empty() || distance < least) {
      nearest = word;
      least = distance;
    }
  }
  return nearest;
}

}  // namespace twobox
