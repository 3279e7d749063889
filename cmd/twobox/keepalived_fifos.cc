#include "twobox/keepalived_fifos.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace twobox {
namespace {

FileDescriptor open_pipe(const std::string& path) {
  FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  struct stat status {};
  if (fd.is_open() && ::fstat(fd.get(), &status) == 0 && S_ISFIFO(status.st_mode)) return fd;
  return FileDescriptor();
}

/// False when the path now leads elsewhere: keepalived makes its pipe anew on reload.
bool is_still_at(const FileDescriptor& fd, const std::string& path) {
  struct stat open_one {};
  struct stat named_one {};
  return fd.is_open() && ::fstat(fd.get(), &open_one) == 0 &&
         ::stat(path.c_str(), &named_one) == 0 && open_one.st_ino == named_one.st_ino &&
         open_one.st_dev == named_one.st_dev;
}

}  // namespace

std::optional<KeepalivedMessage> parse_keepalived_line(std::string_view line) {
  constexpr std::string_view kBegin = "INSTANCE \"";
  constexpr std::string_view kAfterName = "\" ";
  constexpr std::array<std::string_view, 5> kSound = {"MASTER", "BACKUP", "STOP", "DELETED",
                                                      "MASTER_RX_LOWER_PRI"};
  const std::size_t end = line.rfind(kAfterName);
  if (!line.starts_with(kBegin) || end == std::string_view::npos || end < kBegin.size())
    return std::nullopt;
  const std::string instance(line.substr(kBegin.size(), end - kBegin.size()));
  std::string_view state = line.substr(end + kAfterName.size());
  state = state.substr(0, state.find(' '));
  if (state == "FAULT") return KeepalivedMessage{instance, true};
  if (std::ranges::find(kSound, state) == kSound.end()) return std::nullopt;
  return KeepalivedMessage{instance, false};
}

std::vector<std::string> LineSplitter::take(std::string_view bytes) {
  std::vector<std::string> lines;
  for (const char byte : bytes) {
    if (byte == '\n') {
      if (!too_long_) lines.push_back(begun_);
      begun_.clear();
      too_long_ = false;
    } else if (byte != '\0') {
      too_long_ = too_long_ || begun_.size() == kLongest;
      if (!too_long_) begun_ += byte;
    }
  }
  return lines;
}

void KeepalivedFifos::set_watched(const std::set<std::string>& paths) {
  std::erase_if(pipes_, [&paths](const auto& pipe) { return !paths.contains(pipe.first); });
  for (const std::string& path : paths) {
    Pipe& pipe = pipes_[path];
    if (is_still_at(pipe.fd, path)) continue;
    if (pipe.fd.is_open()) drain(pipe);  // its last words
    pipe = Pipe{open_pipe(path), {}};
  }
  if (pipes_.empty()) faults_.clear();
}

std::vector<int> KeepalivedFifos::fds() const {
  std::vector<int> open;
  for (const auto& [path, pipe] : pipes_)
    if (pipe.fd.is_open()) open.push_back(pipe.fd.get());
  return open;
}

bool KeepalivedFifos::drain() {
  bool any = false;
  for (auto& [path, pipe] : pipes_) any = drain(pipe) || any;
  return any;
}

bool KeepalivedFifos::drain(Pipe& pipe) {
  bool any = false;
  while (pipe.fd.is_open()) {
    std::array<char, 4096> bytes{};
    const ssize_t count = ::read(pipe.fd.get(), bytes.data(), bytes.size());
    if (count < 0) break;
    // The last writer has gone. An open pipe without writers would wake poll() without end; the
    // next pass opens it again.
    if (count == 0) pipe = Pipe{};
    for (const std::string& line : pipe.lines.take({bytes.data(), static_cast<std::size_t>(count)}))
      note(line);
    any = any || count > 0;
  }
  return any;
}

void KeepalivedFifos::note(const std::string& line) {
  const auto message = parse_keepalived_line(line);
  if (!message) return;
  if (message->fault) {
    faults_.insert(message->instance);
  } else {
    faults_.erase(message->instance);
  }
}

}  // namespace twobox
