#include "checks/tcp_checks.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "checks/cause.h"

namespace twobox {
namespace {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

SocketAddress socket_address(const IpAddress& address, Port port) {
  SocketAddress result;
  const auto bytes = address.bytes();
  if (address.family() == AddressFamily::kIpv4) {
    sockaddr_in ipv4{};
    ipv4.sin_family = AF_INET;
    ipv4.sin_port = htons(port.host_order());
    std::memcpy(&ipv4.sin_addr, bytes.data(), bytes.size());
    std::memcpy(&result.storage, &ipv4, sizeof(ipv4));
    result.length = sizeof(ipv4);
  } else {
    sockaddr_in6 ipv6{};
    ipv6.sin6_family = AF_INET6;
    ipv6.sin6_port = htons(port.host_order());
    std::memcpy(&ipv6.sin6_addr, bytes.data(), bytes.size());
    std::memcpy(&result.storage, &ipv6, sizeof(ipv6));
    result.length = sizeof(ipv6);
  }
  return result;
}

FileDescriptor open_socket(AddressFamily family) {
  FileDescriptor socket(::socket(family == AddressFamily::kIpv4 ? AF_INET : AF_INET6,
                                 SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const linger reset{.l_onoff = 1, .l_linger = 0};
  if (socket.is_open()) ::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
  return socket;
}

/// Where it is refused, the server's program sees a connection that ends: no reason to fail.
void hold_back_handshake(int fd) {
  const int off = 0;
  ::setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof(off));
}

/// What is connected is reset, and may connect again. (net/ipv4/tcp.c: tcp_disconnect())
bool disconnect(int fd) {
  sockaddr nobody{};
  nobody.sa_family = AF_UNSPEC;
  return ::connect(fd, &nobody, sizeof(nobody)) == 0;
}

std::size_t index_of(AddressFamily family) {
  return static_cast<std::size_t>(family);
}

std::string connecting_to(const IpAddress& address, Port port) {
  return "connect to " + endpoint_text(address, port.host_order());
}

}  // namespace

TcpChecks::~TcpChecks() {
  while (!attempts_.empty()) give_up(attempts_.begin()->second.id);
  for (const auto& sockets : idle_)
    for (const FileDescriptor& socket : sockets) loop_.forget_closing(socket.get());
}

/// Edge-triggered, since one that is not connected hangs up all the time.
Result<FileDescriptor> TcpChecks::take_socket(AddressFamily family) {
  auto& idle = idle_.at(index_of(family));
  if (!idle.empty()) {
    FileDescriptor socket = std::move(idle.back());
    idle.pop_back();
    return socket;
  }
  FileDescriptor socket = open_socket(family);
  if (!socket.is_open())
    return Error{ErrorKind::kUnavailable, errno, "open a socket: " + errno_words(errno)};
  const Status watched =
      loop_.watch(socket.get(), EPOLLOUT | EPOLLET,
                  [this, fd = socket.get()](std::uint32_t events) { hear(fd, events); });
  if (!watched) return watched.error();
  return socket;
}

void TcpChecks::begin(CheckId id, const CheckTarget& target) {
  auto socket = take_socket(target.address.family());
  if (!socket)
    return on_outcome_(
        id, not_made(connecting_to(target.address, target.port) + ": " + socket.error().message));
  const int fd = socket->get();
  const SocketAddress to = socket_address(target.address, target.port);
  hold_back_handshake(fd);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&to.storage), to.length) != 0 &&
      errno != EINPROGRESS) {
    const int refusal = errno;
    loop_.forget_closing(fd);
    return on_outcome_(id, refused_with(refusal, connecting_to(target.address, target.port)));
  }
  const auto timeout = std::min(target.check.connect_timeout, target.check.timeout);
  const auto deadline = loop_.alarm(std::chrono::steady_clock::now() + timeout, [this, fd] {
    const auto attempt = attempts_.find(fd);
    end(attempt, failed(connecting_to(attempt->second.address, attempt->second.port) +
                        ": no answer within " + in_words(attempt->second.timeout)));
  });
  attempts_.emplace(
      fd, Attempt{id, *std::move(socket), target.address, target.port, timeout, deadline});
}

void TcpChecks::hear(int fd, std::uint32_t events) {
  const auto attempt = attempts_.find(fd);
  if (attempt == attempts_.end()) return;  // an idle one's hang-up
  int refusal = 0;
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
    socklen_t length = sizeof(refusal);
    ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &refusal, &length);
  }
  if (refusal == 0) return end(attempt, passed());
  end(attempt, refused_with(refusal, connecting_to(attempt->second.address, attempt->second.port)));
}

void TcpChecks::end(Attempts::iterator attempt, CheckOutcome outcome) {
  auto& [fd, ended] = *attempt;
  const CheckId id = ended.id;
  loop_.cancel(ended.deadline);
  if (outcome.kind == CheckOutcome::Kind::kPassed && disconnect(fd)) {
    idle_.at(index_of(ended.address.family())).push_back(std::move(ended.socket));
  } else {
    loop_.forget_closing(fd);
  }
  attempts_.erase(attempt);
  on_outcome_(id, std::move(outcome));
}

void TcpChecks::give_up(CheckId id) {
  const auto attempt =
      std::ranges::find_if(attempts_, [id](const auto& entry) { return entry.second.id == id; });
  if (attempt == attempts_.end()) return;
  loop_.cancel(attempt->second.deadline);
  loop_.forget_closing(attempt->first);
  attempts_.erase(attempt);
}

}  // namespace twobox
