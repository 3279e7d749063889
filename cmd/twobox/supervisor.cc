#include "twobox/supervisor.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>

namespace twobox {
namespace {

constexpr int kFirstPassedSocket = 3;  // SD_LISTEN_FDS_START
constexpr int kMostPassedSockets = 16;

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::optional<std::int64_t> number(const char* name) {
  const std::string text = variable(name);
  std::int64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

Supervisor Supervisor::from_environment() {
  const auto process = number("WATCHDOG_PID");
  const auto interval = number("WATCHDOG_USEC");
  std::optional<std::chrono::microseconds> watchdog;
  if (interval && *interval > 0 && (!process || *process == ::getpid()))
    watchdog = std::chrono::microseconds(*interval);
  return {variable("NOTIFY_SOCKET"), watchdog};
}

Supervisor::Supervisor(std::string notify_socket, std::optional<std::chrono::microseconds> watchdog)
    : path_(std::move(notify_socket)), watchdog_(watchdog) {
  if (!path_.empty())
    socket_ = FileDescriptor(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

void Supervisor::alive(const std::string& status, SteadyTime now) {
  if (!socket_.is_open()) return;
  std::string message;
  if (!told_) message += "READY=1\n";
  if (told_ != status) message += "STATUS=" + status + "\n";
  if (watchdog_ && (!due_ || *due_ <= now)) message += "WATCHDOG=1\n";
  if (message.empty()) return;
  // What could not be sent is still news at the next call, which then comes sooner.
  const bool sent = send(message);
  if (sent) told_ = status;
  if (watchdog_) due_ = now + *watchdog_ / (sent ? 2 : 8);
}

std::optional<SteadyTime> Supervisor::due() const {
  return due_;
}

void Supervisor::stopping() const {
  static_cast<void>(send("STOPPING=1\nSTATUS=stopping\n"));
}

bool Supervisor::send(const std::string& message) const {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (!socket_.is_open() || path_.size() >= sizeof(address.sun_path)) return false;
  path_.copy(address.sun_path, path_.size());
  if (path_.front() == '@') address.sun_path[0] = '\0';
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path_.size());
  return ::sendto(socket_.get(), message.data(), message.size(), MSG_NOSIGNAL,
                  reinterpret_cast<const sockaddr*>(&address), length) >= 0;
}

std::vector<FileDescriptor> take_passed_sockets() {
  const auto process = number("LISTEN_PID");
  const auto count = number("LISTEN_FDS");
  for (const char* const name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
  std::vector<FileDescriptor> sockets;
  // A parent's variables say nothing about this process's descriptors.
  if (!process || *process != ::getpid() || !count || *count > kMostPassedSockets) return sockets;
  for (int fd = kFirstPassedSocket; fd < kFirstPassedSocket + *count; ++fd) {
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    sockets.emplace_back(fd);
  }
  return sockets;
}

}  // namespace twobox
