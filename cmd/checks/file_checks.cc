#include "checks/file_checks.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "backends/file_descriptor.h"
#include "checks/cause.h"

namespace twobox {
namespace {

constexpr std::size_t kMostBytes = 4096;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kWhiteSpace = " \t\r\n\v\f";
  const auto first = text.find_first_not_of(kWhiteSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kWhiteSpace) - first + 1);
}

}  // namespace

CheckOutcome read_verdict(const std::string& path) {
  // Neither a pipe without a writer nor a device may hold the thread up.
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  struct stat status {};
  if (!file.is_open() || ::fstat(file.get(), &status) != 0) return refused_with(errno, path);
  if (!S_ISREG(status.st_mode)) return failed(path + ": not a regular file");
  std::array<char, kMostBytes + 1> bytes{};
  const ssize_t count = ::read(file.get(), bytes.data(), bytes.size());
  if (count < 0) return refused_with(errno, path);
  const std::string_view text(bytes.data(), static_cast<std::size_t>(count));
  if (text.size() > kMostBytes) return failed(path + ": larger than 4 KiB");
  const std::string_view word = trimmed(text);
  if (word == "up") return passed();
  if (word == "down") return failed(path + ": says down");
  return failed(path + ": says neither up nor down");
}

}  // namespace twobox
