#include "http/stream.h"

#include <poll.h>

#include <algorithm>

namespace twobox {
namespace {

constexpr int kSliceMilliseconds = 100;  // how soon pressure and closing are noticed
constexpr std::size_t kReadAhead = std::size_t{16} << 10;

}  // namespace

ClientStream::ClientStream(Connection& connection, const Workers& workers)
    : connection_(connection), workers_(workers) {}

bool ClientStream::is_readable() const {
  return true;
}

bool ClientStream::is_writable() const {
  pollfd polled{connection_.channel->fd(), POLLRDHUP, 0};
  ::poll(&polled, 1, 0);
  return (polled.revents & (POLLHUP | POLLERR | POLLRDHUP)) == 0 && !workers_.closing();
}

ssize_t ClientStream::read(char* to, std::size_t room) {
  std::string& bytes = connection_.bytes;
  while (taken_ == bytes.size()) {
    // RFC 9112, 6.3: such a call has no body. httplib would wait for one until the client leaves.
    if (!connection_.head.content_length && !connection_.head.chunked) return 0;
    bytes.resize(kReadAhead);
    const Moved moved = connection_.channel->read(bytes.data(), bytes.size());
    bytes.resize(moved.bytes);
    taken_ = 0;
    read_ += moved.bytes;
    if (moved.bytes > 0) break;
    if (moved.want == Want::kNothing || !wait_for(moved.want, begin_, read_)) return 0;
  }
  const std::size_t count = std::min(room, bytes.size() - taken_);
  std::copy_n(bytes.data() + taken_, count, to);
  taken_ += count;
  return static_cast<ssize_t>(count);
}

ssize_t ClientStream::write(const char* from, std::size_t count) {
  const Clock::time_point since = Clock::now();
  std::size_t written = 0;
  while (written < count) {
    const Moved moved = connection_.channel->write({from + written, count - written});
    written += moved.bytes;
    if (moved.bytes > 0) continue;
    if (moved.want == Want::kNothing || !wait_for(moved.want, since, written)) return -1;
  }
  return static_cast<ssize_t>(count);
}

bool ClientStream::wait_for(Want want, Clock::time_point since, std::size_t moved) const {
  pollfd polled{connection_.channel->fd(),
                static_cast<short>(want == Want::kRead ? POLLIN : POLLOUT), 0};
  const auto earned = std::chrono::seconds(moved / kPace);
  for (;;) {
    const auto patience = (workers_.pressed() ? kHurriedPatience : kPatience) + earned;
    if (workers_.closing() || Clock::now() - since >= patience) return false;
    if (::poll(&polled, 1, kSliceMilliseconds) > 0) return true;
  }
}

void ClientStream::get_remote_ip_and_port(std::string& ip, int& port) const {
  constexpr std::array kNames = {"unix", "tcp", "tls"};
  ip = kNames.at(static_cast<std::size_t>(connection_.entrance));
  port = 0;
}

void ClientStream::get_local_ip_and_port(std::string& ip, int& port) const {
  ip.clear();
  port = 0;
}

socket_t ClientStream::socket() const {
  return connection_.channel->fd();
}

Entrance entrance_from(const std::string& name) {
  if (name == "unix") return Entrance::kUnix;
  return name == "tls" ? Entrance::kTls : Entrance::kTcp;
}

}  // namespace twobox
