// What keepalived writes to its pipes: lines, in whatever pieces they come.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "tests/fuzz/require.h"
#include "twobox/keepalived_fifos.h"

using namespace twobox;
using twobox::fuzz::require;

namespace {

/// The first byte says how long the pieces are.
std::vector<std::string> lines_by_pieces(std::string_view bytes) {
  LineSplitter splitter;
  std::vector<std::string> lines;
  const std::size_t piece = 1 + static_cast<unsigned char>(bytes.empty() ? 0 : bytes.front());
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size())))
    std::ranges::move(splitter.take(bytes.substr(0, piece)), std::back_inserter(lines));
  return lines;
}

void check_line(const std::string& line) {
  require(line.size() <= LineSplitter::kLongest, "a line is no longer than allowed");
  require(line.find_first_of(std::string_view("\n\0", 2)) == line.npos, "one line, without NULs");
  const auto message = parse_keepalived_line(line);
  if (!message) return;
  const std::string again =
      "INSTANCE \"" + message->instance + "\" " + (message->fault ? "FAULT" : "BACKUP") + " 100";
  require(parse_keepalived_line(again) == message, "what was read is read again");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto lines = LineSplitter().take(bytes);
  require(lines == lines_by_pieces(bytes), "pieces make the same lines as the whole");
  for (const std::string& line : lines) check_line(line);
  parse_keepalived_line(bytes);
  return 0;
}
