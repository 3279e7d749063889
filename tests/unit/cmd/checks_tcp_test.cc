// Checks that connect, and the loop they run on.
#include <doctest/doctest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "checks/cause.h"
#include "checks/tcp_checks.h"
#include "tests/unit/cmd/checks_testbed.h"

using namespace twobox;
using namespace twobox::testing;
using namespace std::chrono_literals;

namespace {

bool has_connection(const Listening& listening, int milliseconds) {
  pollfd waiting{listening.fd(), POLLIN, 0};
  return ::poll(&waiting, 1, milliseconds) > 0;
}

FileDescriptor readable_event() {
  return FileDescriptor(::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK));
}

}  // namespace

TEST_CASE("event loop: an alarm rings once, not before its time, and not when cancelled") {
  EventLoop loop = EventLoop::open().value();
  const SteadyTime begin = std::chrono::steady_clock::now();
  int rung = 0;
  const auto cancelled = loop.alarm(begin, [&rung] { rung += 100; });
  loop.alarm(begin + 30ms, [&rung] { ++rung; });
  loop.cancel(cancelled);
  while (rung == 0) loop.turn();
  CHECK(std::chrono::steady_clock::now() >= begin + 30ms);
  loop.alarm(begin, [&rung] { ++rung; });
  loop.turn();
  CHECK(rung == 2);
}

TEST_CASE("event loop: who has been forgotten hears nothing, even of what is already known") {
  EventLoop loop = EventLoop::open().value();
  const FileDescriptor one = readable_event();
  FileDescriptor other = readable_event();
  int heard = 0;
  int heard_by_successor = 0;
  // Whoever is first puts another descriptor in the other's place, and forgets itself.
  const auto replace = [&](FileDescriptor& gone) {
    const int number = gone.get();
    loop.forget_closing(number);
    const FileDescriptor fresh(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    REQUIRE(::dup2(fresh.get(), number) == number);
    REQUIRE(loop.watch(number, EPOLLIN, [&](std::uint32_t) { ++heard_by_successor; }));
  };
  REQUIRE(loop.watch(one.get(), EPOLLIN, [&](std::uint32_t) {
    ++heard;
    replace(other);
    loop.forget(one.get());
  }));
  REQUIRE(loop.watch(other.get(), EPOLLIN, [&](std::uint32_t) { heard += 100; }));
  loop.turn();
  CHECK(heard % 100 == 1);
  loop.alarm(std::chrono::steady_clock::now(), [] {});
  loop.turn();
  CHECK(heard % 100 == 1);
  CHECK(heard_by_successor == 0);
}

TEST_CASE("causes: durations, errors and what others say") {
  CHECK(in_words(200ms) == "200 ms");
  CHECK(in_words(1s) == "1 s");
  CHECK(in_words(1500ms) == "1.5 s");
  CHECK(in_words(2005ms) == "2.005 s");
  CHECK(errno_words(ECONNREFUSED) == "connection refused");
  CHECK(printable("  a\r\nb\tc\xc3\xa4\x7f ") == "a  b c??");
  CHECK(printable(" \n").empty());
  CHECK(is_failed(refused_with(EHOSTUNREACH, "connect")));
  CHECK(is_not_made(refused_with(EMFILE, "connect")));
}

TEST_CASE("tcp check: a listener passes, in both families") {
  Checks checks;
  TcpChecks tcp(checks.loop(), checks.sink());
  const Listening ipv4;
  CHECK(is_passed(checks.outcome_of(tcp, local_target(ipv4.port()))));
  const Listening ipv6(4096, AddressFamily::kIpv6);
  CheckTarget target = local_target(ipv6.port());
  target.address = ip("::1");
  CHECK(is_passed(checks.outcome_of(tcp, target)));
}

TEST_CASE("tcp check: the server's program sees neither a socket's first check nor its second") {
  Checks checks;
  TcpChecks tcp(checks.loop(), checks.sink());
  // The kernel puts the handshake's end off by 40 ms or more; a machine under load may take longer.
  bool unseen = false;
  for (int attempt = 0; attempt < 20 && !unseen; ++attempt) {
    const Listening listening;
    REQUIRE(is_passed(checks.outcome_of(tcp, local_target(listening.port()))));
    REQUIRE(is_passed(checks.outcome_of(tcp, local_target(listening.port()))));
    unseen = !has_connection(listening, 50);
  }
  CHECK(unseen);
}

TEST_CASE("tcp check: a socket that waits for its next check is quiet") {
  Checks checks;
  TcpChecks tcp(checks.loop(), checks.sink());
  const Listening listening;
  REQUIRE(is_passed(checks.outcome_of(tcp, local_target(listening.port()))));
  bool over = false;
  checks.loop().alarm(std::chrono::steady_clock::now() + 100ms, [&over] { over = true; });
  int turns = 0;
  while (!over) {
    checks.loop().turn();
    ++turns;
  }
  CHECK(turns <= 3);
  CHECK(is_failed(checks.outcome_of(tcp, local_target(closed_port()))));
}

TEST_CASE("tcp check: refused, or not answered since the program's queue is full") {
  Checks checks;
  TcpChecks tcp(checks.loop(), checks.sink());
  const std::uint16_t closed = closed_port();
  const CheckOutcome refused = checks.outcome_of(tcp, local_target(closed));
  CHECK(is_failed(refused));
  CHECK(refused.cause == "connect to 127.0.0.1:" + std::to_string(closed) + ": connection refused");

  const Listening hanging(0);
  const std::string where = "connect to 127.0.0.1:" + std::to_string(hanging.port());
  const FileDescriptor client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  REQUIRE(::getsockname(hanging.fd(), reinterpret_cast<sockaddr*>(&address), &length) == 0);
  REQUIRE(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), length) == 0);
  const CheckOutcome unanswered = checks.outcome_of(tcp, local_target(hanging.port()));
  CHECK(is_failed(unanswered));
  CHECK(unanswered.cause == where + ": no answer within 100 ms");
}

TEST_CASE("tcp check: what this machine lacks is not the server's fault") {
  Checks checks;
  TcpChecks tcp(checks.loop(), checks.sink());
  const Listening listening;
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const int free_number = ::dup(listening.fd());
  ::close(free_number);
  const rlimit none{static_cast<rlim_t>(free_number), before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  const CheckOutcome outcome = checks.outcome_of(tcp, local_target(listening.port()));
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(is_not_made(outcome));
  CHECK(outcome.cause.ends_with(": too many open files"));
}

TEST_CASE("tcp check: many at once, and none after it was given up") {
  Checks checks;
  TcpChecks tcp(checks.loop(), checks.sink());
  const Listening listening;
  constexpr CheckId kCount = 300;
  for (CheckId id = 1001; id <= 1000 + kCount; ++id) {
    CheckTarget target = local_target(listening.port());
    target.check.connect_timeout = target.check.timeout = 60s;
    tcp.begin(id, target);
    if (id % 3 == 0) tcp.give_up(id);
  }
  checks.turn_until([&] { return checks.outcomes.size() == kCount - kCount / 3; });
  std::size_t passed_count = 0;
  for (const auto& [id, outcome] : checks.outcomes) {
    CHECK(id % 3 != 0);
    passed_count += is_passed(outcome) ? 1U : 0U;
  }
  CHECK(passed_count == kCount - kCount / 3);
}
