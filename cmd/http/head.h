// What can be said of a call before anybody parses it: whether its head is whole, and whether it is
// worth a thread. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace twobox {

constexpr std::size_t kMaxHeadBytes = std::size_t{16} << 10;
constexpr std::size_t kMaxHeaderLines = 64;
constexpr std::size_t kMaxHeaderLineBytes = 4096;

/// A whole head. What it promises of a body is not believed, only used to wait for it.
struct Head {
  std::size_t bytes = 0;  // with the empty line
  std::string method;
  std::string path;  // undecoded, without the query
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  bool expects_continue = false;  // the body comes only when it was asked for
};

enum class HeadState : std::uint8_t { kUnfinished, kWhole, kRefused };

struct HeadScan {
  HeadState state = HeadState::kUnfinished;
  Head head;        // when whole
  int status = 0;   // when refused: 400, 431
  std::string why;  // when refused
};

/// `bytes` are all that have come so far. Refused: more than the bounds above; a line that is no
/// header; two lengths, or a length and chunks, by which two readers could see two bodies.
HeadScan scan_head(std::string_view bytes);

/// The head without its Range lines. httplib 0.11 answers each range by itself, so that many
/// overlapping ones multiply the answer, and refuses a malformed one; this API knows no parts.
std::string without_ranges(std::string_view head);

}  // namespace twobox
