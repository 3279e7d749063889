#include "twobox/log.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

namespace twobox {
namespace {

std::string one_line(std::string_view text) {
  std::string line(text);
  for (char& c : line)
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  return line;
}

std::string time_prefix() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ ", &parts);
  return {text.data(), length};
}

std::string_view level_name(LogLevel level) {
  switch (level) {
    case LogLevel::kError:
      return "error: ";
    case LogLevel::kWarning:
      return "warning: ";
    case LogLevel::kInfo:
      break;
  }
  return "";
}

}  // namespace

void log(LogLevel level, std::string_view line) {
  static const bool kUnderJournal = std::getenv("JOURNAL_STREAM") != nullptr;
  const std::string prefix =
      kUnderJournal ? "<" + std::to_string(static_cast<int>(level)) + ">" : time_prefix();
  // One call, so that lines of two threads do not mix.
  const std::string text = prefix + std::string(level_name(level)) + one_line(line) + "\n";
  std::fwrite(text.data(), 1, text.size(), stderr);
}

void complain(std::string_view line) {
  const std::string text = "twobox: " + one_line(line) + "\n";
  std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace twobox
