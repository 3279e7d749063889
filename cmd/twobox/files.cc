#include "twobox/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "backends/file_descriptor.h"

namespace twobox {
namespace {

Error failure(ErrorKind kind, const std::string& doing, const std::string& path) {
  const int code = errno;
  return {kind, code, doing + " " + path + ": " + std::strerror(code)};
}

Status write_all(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failure(ErrorKind::kTransport, "write", path);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(fd) != 0) return failure(ErrorKind::kTransport, "flush", path);
  return success();
}

Status flush_directory_of(const std::string& path) {
  const std::string directory = std::filesystem::path(path).parent_path();
  const FileDescriptor fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.is_open() || ::fsync(fd.get()) != 0)
    return failure(ErrorKind::kTransport, "flush directory", directory);
  return success();
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.is_open()) return failure(ErrorKind::kUnavailable, "open", path);
  std::string text;
  std::array<char, 65536> chunk;
  for (;;) {
    const ssize_t got = ::read(fd.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failure(ErrorKind::kUnavailable, "read", path);
    if (got == 0) return text;
    text.append(chunk.data(), static_cast<std::size_t>(got));
    if (text.size() > limit)
      return Error{ErrorKind::kUnavailable, EFBIG,
                   "read " + path + ": more than " + std::to_string(limit) + " bytes"};
  }
}

Status replace_file(const std::string& path, std::string_view text) {
  const std::string beside = path + ".new";
  {
    const FileDescriptor fd(
        ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd.is_open()) return failure(ErrorKind::kTransport, "create", beside);
    if (const Status written = write_all(fd.get(), text, beside); !written) return written;
  }
  if (::rename(beside.c_str(), path.c_str()) != 0)
    return failure(ErrorKind::kTransport, "rename to", path);
  return flush_directory_of(path);
}

}  // namespace twobox
