#include "reconciler/keepalived_values.h"

#include <charconv>

namespace twobox {

void KeepalivedNotes::not_understood(const KeepalivedLine& line, std::string_view value) {
  add(line, line.keyword() + ": " +
                (value.empty() ? "it has no value" : "\"" + std::string(value) + "\"") +
                " is nothing that a document can hold here; left out");
}

std::optional<std::uint64_t> keepalived_number(std::string_view text, std::uint64_t min,
                                               std::uint64_t max) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc{} || parsed.ptr != end || number < min || number > max)
    return std::nullopt;
  return number;
}

std::optional<std::chrono::milliseconds> keepalived_seconds(std::string_view text) {
  constexpr std::uint64_t kYear = std::uint64_t{365} * 24 * 3600;
  const std::size_t dot = std::min(text.find('.'), text.size());
  const auto whole = keepalived_number(text.substr(0, dot), 0, kYear);
  if (!whole) return std::nullopt;
  std::uint64_t milliseconds = *whole * 1000;
  if (dot < text.size()) {
    const std::string digits = (std::string(text.substr(dot + 1)) + "000").substr(0, 3);
    const auto fraction = keepalived_number(digits, 0, 999);
    if (!fraction) return std::nullopt;
    milliseconds += *fraction;
  }
  return std::chrono::milliseconds(milliseconds);
}

std::string keepalived_rest(const KeepalivedLine& line) {
  std::string text;
  for (std::size_t i = 1; i < line.words.size(); ++i) text += (i == 1 ? "" : " ") + line.words[i];
  return text;
}

std::optional<IpAddress> keepalived_address(std::string_view text) {
  const auto address = IpAddress::parse(text);
  return address ? std::optional(*address) : std::nullopt;
}

std::optional<Port> keepalived_port(std::string_view text) {
  const auto number = keepalived_number(text, 1, 65535);
  return number ? std::optional(*Port::from_number(*number)) : std::nullopt;
}

}  // namespace twobox
