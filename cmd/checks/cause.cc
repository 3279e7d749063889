#include "checks/cause.h"

#include <cerrno>
#include <cstring>

namespace twobox {

std::string errno_words(int number) {
  std::string words = std::strerror(number);
  // "Connection refused", but "RPC struct is bad".
  if (words.size() > 1 && words[0] >= 'A' && words[0] <= 'Z' && words[1] >= 'a')
    words[0] = static_cast<char>(words[0] - 'A' + 'a');
  return words;
}

std::string in_words(std::chrono::milliseconds duration) {
  const auto count = duration.count();
  if (count < 1000) return std::to_string(count) + " ms";
  std::string text = std::to_string(count / 1000);
  if (count % 1000 != 0) {
    text += "." + std::to_string(1000 + count % 1000).substr(1);
    while (text.back() == '0') text.pop_back();
  }
  return text + " s";
}

std::string printable(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    result += byte <= ' ' || byte == 0x7f ? ' ' : byte > 0x7f ? '?' : c;
  }
  const auto first = result.find_first_not_of(' ');
  if (first == std::string::npos) return "";
  return result.substr(first, result.find_last_not_of(' ') - first + 1);
}

bool is_own_shortage(int number) {
  // connect() says EADDRNOTAVAIL or EAGAIN when no source port is free.
  return number == EMFILE || number == ENFILE || number == ENOBUFS || number == ENOMEM ||
         number == ENOSPC || number == EADDRNOTAVAIL || number == EAGAIN;
}

CheckOutcome passed() {
  return {CheckOutcome::Kind::kPassed};
}

CheckOutcome failed(std::string cause) {
  return {CheckOutcome::Kind::kFailed, std::move(cause)};
}

CheckOutcome not_made(std::string cause) {
  return {CheckOutcome::Kind::kNotMade, std::move(cause)};
}

CheckOutcome refused_with(int number, const std::string& what) {
  std::string cause = what + ": " + errno_words(number);
  return is_own_shortage(number) ? not_made(std::move(cause)) : failed(std::move(cause));
}

}  // namespace twobox
