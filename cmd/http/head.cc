#include "http/head.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace twobox {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kHeadEnd = "\r\n\r\n";

HeadScan refused(int status, std::string why) {
  HeadScan scan;
  scan.state = HeadState::kRefused;
  scan.status = status;
  scan.why = std::move(why);
  return scan;
}

HeadScan too_large() {
  return refused(431, "allowed are " + std::to_string(kMaxHeaderLines) + " header lines of " +
                          std::to_string(kMaxHeaderLineBytes) + " bytes, and " +
                          std::to_string(kMaxHeadBytes) + " bytes in all");
}

bool same_word(std::string_view one, std::string_view other) {
  return std::ranges::equal(one, other, [](unsigned char a, unsigned char b) {
    return std::tolower(a) == std::tolower(b);
  });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// RFC 9110, 5.6.2.
bool is_token(std::string_view text) {
  static constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) != 0 || kMarks.find(static_cast<char>(c)) != std::string_view::npos;
  });
}

bool has_control_character(std::string_view text) {
  return std::ranges::any_of(text,
                             [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; });
}

/// "METHOD TARGET HTTP/1.x". An empty text: it is well formed.
std::string read_request_line(std::string_view line, Head& head) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last)
    return "the request line has no method, target, version";
  head.method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return "only HTTP/1.1 is spoken here";
  if (!is_token(head.method) || !target.starts_with('/') ||
      target.find(' ') != std::string_view::npos)
    return "the request line must be METHOD /PATH VERSION";
  head.path = target.substr(0, target.find_first_of("?#"));
  return "";
}

std::string read_length(std::string_view value, Head& head) {
  std::uint64_t length = 0;
  const char* const end = value.data() + value.size();
  const auto parsed = std::from_chars(value.data(), end, length);
  if (parsed.ec != std::errc{} || parsed.ptr != end) return "Content-Length must be a number";
  if (head.content_length) return "Content-Length is given twice";
  head.content_length = length;
  return "";
}

std::string read_header_line(std::string_view line, Head& head) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
    return "a header line has no name";
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (same_word(name, "Content-Length")) return read_length(value, head);
  if (same_word(name, "Expect")) head.expects_continue = true;
  if (!same_word(name, "Transfer-Encoding")) return "";
  if (!same_word(value, "chunked") || head.chunked)
    return "the only Transfer-Encoding here is chunked";
  head.chunked = true;
  return "";
}

HeadScan read_lines(std::string_view text) {
  HeadScan scan;
  std::size_t count = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(kLineEnd), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + kLineEnd.size(), text.size()));
    if (line.size() > kMaxHeaderLineBytes || count > kMaxHeaderLines) return too_large();
    if (has_control_character(line)) return refused(400, "a header has a control character");
    std::string why =
        count == 0 ? read_request_line(line, scan.head) : read_header_line(line, scan.head);
    if (!why.empty()) return refused(400, std::move(why));
    ++count;
  }
  if (count == 0) return refused(400, "there is no request line");
  if (scan.head.chunked && scan.head.content_length)
    return refused(400, "Content-Length and Transfer-Encoding exclude each other");
  return scan;
}

}  // namespace

HeadScan scan_head(std::string_view bytes) {
  const std::size_t end = bytes.find(kHeadEnd);
  if (end == std::string_view::npos)
    return bytes.size() >= kMaxHeadBytes ? too_large() : HeadScan{};
  if (end + kHeadEnd.size() > kMaxHeadBytes) return too_large();
  HeadScan scan = read_lines(bytes.substr(0, end));
  if (scan.state == HeadState::kRefused) return scan;
  scan.state = HeadState::kWhole;
  scan.head.bytes = end + kHeadEnd.size();
  return scan;
}

std::string without_ranges(std::string_view head) {
  std::string kept;
  while (!head.empty()) {
    const std::size_t end = head.find(kLineEnd);
    const std::size_t length = end == std::string_view::npos ? head.size() : end + kLineEnd.size();
    const std::string_view line = head.substr(0, length);
    if (!same_word(line.substr(0, line.find(':')), "Range")) kept += line;
    head.remove_prefix(length);
  }
  return kept;
}

}  // namespace twobox
