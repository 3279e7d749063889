#include "backends/text_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "backends/file_descriptor.h"

namespace twobox {
namespace {

Error failed(const std::string& path) {
  const int errno_value = errno;
  return {ErrorKind::kUnavailable, errno_value, "read " + path + ": " + std::strerror(errno_value)};
}

}  // namespace

Result<std::string> read_text_file(const std::string& path, int flags) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | flags));
  if (!file.is_open()) return failed(path);
  std::string text;
  std::array<char, 4096> chunk{};
  for (;;) {
    const ssize_t count = ::read(file.get(), chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed(path);
    if (count == 0) return text;
    text.append(chunk.data(), static_cast<std::size_t>(count));
  }
}

}  // namespace twobox
