#include "tests/unit/cmd/checks_testbed.h"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

using namespace std::chrono_literals;

namespace twobox::testing {

IpAddress ip(std::string_view text) {
  return IpAddress::parse(text).value();
}

CheckTarget local_target(std::uint16_t port) {
  Check check;
  check.interval = 100ms;
  check.connect_timeout = 100ms;
  check.timeout = 300ms;
  check.jitter = 0;
  const Port service_port = Port::from_number(80).value();
  return CheckTarget{
      .server = {Endpoint{ip("192.0.2.1"), Protocol::kTcp, 80}, ip("127.0.0.1"), port},
      .check = check,
      .address = ip("127.0.0.1"),
      .port = Port::from_number(port).value(),
      .is_local = true,
      .vip = ip("192.0.2.1"),
      .service_port = service_port,
      .interface = InterfaceName::parse("eth0").value(),
      .bypass = Bypass::kNone,
      .macs = {},
  };
}

CheckTarget local_target(std::uint16_t port, HttpCheck check) {
  CheckTarget target = local_target(port);
  target.check.how = std::move(check);
  return target;
}

CheckTarget shell_target(const std::string& command, std::chrono::milliseconds timeout) {
  CheckTarget target = local_target(1);
  const passwd* const self = ::getpwuid(::geteuid());
  REQUIRE(self != nullptr);
  target.check.how = ExecCheck{{"/bin/sh", "-c", command}, self->pw_name};
  target.check.timeout = timeout;
  return target;
}

Listening::Listening(int backlog, AddressFamily family) {
  sockaddr_in6 ipv6{};
  ipv6.sin6_family = AF_INET6;
  ipv6.sin6_addr = in6addr_loopback;
  sockaddr_in ipv4{};
  ipv4.sin_family = AF_INET;
  ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool four = family == AddressFamily::kIpv4;
  sockaddr* const address =
      four ? reinterpret_cast<sockaddr*>(&ipv4) : reinterpret_cast<sockaddr*>(&ipv6);
  socklen_t length = four ? sizeof(ipv4) : sizeof(ipv6);
  socket_ = FileDescriptor(::socket(four ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(::bind(socket_.get(), address, length) == 0);
  REQUIRE(::listen(socket_.get(), backlog) == 0);
  REQUIRE(::getsockname(socket_.get(), address, &length) == 0);
  port_ = ntohs(four ? ipv4.sin_port : ipv6.sin6_port);
}

std::uint16_t closed_port() {
  return Listening().port();
}

Serving::Serving(Serve serve) : serve_(std::move(serve)) {
  thread_ = std::thread([this] {
    while (!stopping_) {
      pollfd waiting{listening_.fd(), POLLIN, 0};
      if (::poll(&waiting, 1, 10) <= 0) continue;
      const FileDescriptor connection(::accept4(listening_.fd(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!connection.is_open()) continue;
      const timeval patience{.tv_sec = 5, .tv_usec = 0};
      ::setsockopt(connection.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
      serve_(connection.get());
    }
  });
}

Serving::~Serving() {
  stopping_ = true;
  thread_.join();
}

std::string read_request(int connection) {
  std::string request;
  std::array<char, 4096> buffer;
  while (!request.ends_with("\r\n\r\n")) {
    const ssize_t count = ::recv(connection, buffer.data(), buffer.size(), 0);
    if (count <= 0) break;
    request.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return request;
}

bool send_text(int connection, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::send(connection, text.data(), text.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

void wait_for_end(int connection) {
  std::array<char, 4096> buffer;
  while (::recv(connection, buffer.data(), buffer.size(), 0) > 0) {
  }
}

Checks::Checks() : loop_(EventLoop::open().value()) {}

OnOutcome Checks::sink() {
  return [this](CheckId id, CheckOutcome outcome) {
    CHECK_MESSAGE(!outcomes.contains(id), "a second outcome of one check");
    outcomes.emplace(id, std::move(outcome));
  };
}

CheckOutcome Checks::outcome_of(CheckKind& kind, const CheckTarget& target) {
  const CheckId id = ++last_;
  kind.begin(id, target);
  turn_until([this, id] { return outcomes.contains(id); });
  REQUIRE(outcomes.contains(id));
  return outcomes.at(id);
}

void Checks::turn_until(const std::function<bool()>& done) {
  const SteadyTime limit = std::chrono::steady_clock::now() + 60s;
  while (!done() && std::chrono::steady_clock::now() < limit) {
    const auto again = loop_.alarm(std::chrono::steady_clock::now() + 50ms, [] {});
    loop_.turn();
    loop_.cancel(again);
  }
}

bool is_passed(const CheckOutcome& outcome) {
  return outcome.kind == CheckOutcome::Kind::kPassed;
}

bool is_failed(const CheckOutcome& outcome) {
  return outcome.kind == CheckOutcome::Kind::kFailed;
}

bool is_not_made(const CheckOutcome& outcome) {
  return outcome.kind == CheckOutcome::Kind::kNotMade;
}

}  // namespace twobox::testing
