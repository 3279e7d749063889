#include "twobox/files.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
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
  const std::string directory = std::filesystem::path(path).parent_path() / ".";
  const FileDescriptor fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.is_open() || ::fsync(fd.get()) != 0)
    return failure(ErrorKind::kTransport, "flush directory", directory);
  return success();
}

/// A pipe without a name, as a shell's <(...). Its writer is there already, so it ends.
bool is_shell_pipe(int fd, const struct stat& status) {
  struct statfs filesystem {};
  return S_ISFIFO(status.st_mode) && ::fstatfs(fd, &filesystem) == 0 &&
         filesystem.f_type == PIPEFS_MAGIC;
}

/// A named pipe or a device could keep us waiting for ever, in open() already.
Result<FileDescriptor> open_to_read(const std::string& path) {
  FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status {};
  if (!fd.is_open() || ::fstat(fd.get(), &status) != 0 || ::fcntl(fd.get(), F_SETFL, 0) != 0)
    return failure(ErrorKind::kUnavailable, "open", path);
  if (S_ISREG(status.st_mode) || is_shell_pipe(fd.get(), status)) return fd;
  return Error{ErrorKind::kUnavailable, S_ISDIR(status.st_mode) ? EISDIR : EINVAL,
               "read " + path + ": not a file"};
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const auto opened = open_to_read(path);
  if (!opened) return opened.error();
  const FileDescriptor& fd = *opened;
  std::string text;
  std::array<char, 65536> chunk{};
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

namespace {

/// Asks for nothing that is so already: the service may not even ask.
bool give_to_owner_of(const struct stat& like, int fd) {
  struct stat now {};
  if (::fstat(fd, &now) != 0) return false;
  return (now.st_uid == like.st_uid && now.st_gid == like.st_gid) ||
         ::fchown(fd, like.st_uid, like.st_gid) == 0;
}

/// `like`: whose owner and mode the file gets; null: ours alone.
Status fill(int fd, std::string_view text, const struct stat* like, const std::string& path) {
  if (like != nullptr && (!give_to_owner_of(*like, fd) || ::fchmod(fd, like->st_mode & 07777) != 0))
    return failure(ErrorKind::kTransport, "give owner and mode to", path);
  return write_all(fd, text, path);
}

Status replace(const std::string& path, std::string_view text, const struct stat* like) {
  const std::string beside = path + ".new";
  const FileDescriptor fd(
      ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.is_open()) return failure(ErrorKind::kTransport, "create", beside);
  Status done = fill(fd.get(), text, like, beside);
  if (done && ::rename(beside.c_str(), path.c_str()) != 0)
    done = failure(ErrorKind::kTransport, "rename to", path);
  if (done) return flush_directory_of(path);
  // A disk that is full needs the room.
  ::unlink(beside.c_str());
  return done;
}

}  // namespace

Status replace_file(const std::string& path, std::string_view text) {
  return replace(path, text, nullptr);
}

Status rewrite_file(const std::string& path, std::string_view text) {
  std::error_code code;
  const std::filesystem::path target = std::filesystem::weakly_canonical(path, code);
  const std::string name = code ? path : target.string();
  struct stat old {};
  return replace(name, text, ::stat(name.c_str(), &old) == 0 ? &old : nullptr);
}

}  // namespace twobox
