// checks_bench tcp|http COUNT SECONDS: what COUNT checks at an interval of a second cost this
// process.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include "checks/checker.h"

namespace {

using namespace twobox;
using namespace std::chrono_literals;

constexpr int kListenQueue = 4096;

/// On every address, so that 127.0.0.0/8 is as many servers as are wanted.
int listen_everywhere() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(8080);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      ::listen(fd, kListenQueue) != 0) {
    std::perror("listen on port 8080");
    std::exit(1);
  }
  return fd;
}

/// A web server that reads once and answers the same to all.
[[noreturn]] void serve(int listener) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int poller = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{.events = EPOLLIN, .data = {.fd = listener}};
  ::epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
  constexpr std::string_view kAnswer =
      "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";
  std::array<epoll_event, 64> events;
  std::array<char, 4096> request;
  for (;;) {
    const int count = ::epoll_wait(poller, events.data(), static_cast<int>(events.size()), -1);
    for (int at = 0; at < count; ++at) {
      const int fd = events[static_cast<std::size_t>(at)].data.fd;
      if (fd == listener) {
        const int connection = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        epoll_event readable{.events = EPOLLIN, .data = {.fd = connection}};
        if (connection >= 0) ::epoll_ctl(poller, EPOLL_CTL_ADD, connection, &readable);
      } else {
        if (::read(fd, request.data(), request.size()) > 0 &&
            ::write(fd, kAnswer.data(), kAnswer.size()) < 0)
          std::perror("answer");
        ::close(fd);
      }
    }
  }
}

std::vector<CheckTarget> targets(const std::string& kind, int count) {
  std::vector<CheckTarget> result;
  Check check;
  if (kind == "http") check.how = HttpCheck{};
  check.interval = 1s;
  const Port port = Port::from_number(8080).value();
  const IpAddress vip = IpAddress::parse("192.0.2.1").value();
  for (int number = 0; number < count; ++number) {
    const std::array<std::uint8_t, 4> bytes = {127, 1, static_cast<std::uint8_t>(number / 250),
                                               static_cast<std::uint8_t>(1 + number % 250)};
    const IpAddress address = IpAddress::from_ipv4(bytes);
    result.push_back({.server = {Endpoint{vip, Protocol::kTcp, 80}, address, 8080},
                      .check = check,
                      .address = address,
                      .port = port,
                      .is_local = false,
                      .vip = vip,
                      .service_port = port,
                      .interface = loopback(),
                      .bypass = Bypass::kNone,
                      .macs = {}});
  }
  return result;
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Of this process.
long threads() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("Threads:")) return std::stol(line.substr(8));
  return 0;
}

/// Connections that this network namespace has begun.
long connections_begun() {
  std::ifstream snmp("/proc/net/snmp");
  std::string names;
  for (std::string line; std::getline(snmp, line);) {
    if (!line.starts_with("Tcp:")) continue;
    if (names.empty()) {
      names = line;
      continue;
    }
    std::istringstream name(names);
    std::istringstream value(line);
    for (std::string what, number; name >> what && value >> number;)
      if (what == "ActiveOpens") return std::stol(number);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 64;
  const std::string kind = argv[1];
  const int count = std::stoi(argv[2]);
  const int seconds = std::stoi(argv[3]);
  const int listener = listen_everywhere();
  if (::fork() == 0) serve(listener);

  const auto checker = Checker::start();
  if (!checker) return 1;
  (*checker)->set_targets(targets(kind, count));
  std::this_thread::sleep_for(2s);
  const double cpu = cpu_seconds();
  const long begun = connections_begun();
  const auto begin = std::chrono::steady_clock::now();
  std::this_thread::sleep_for(std::chrono::seconds(seconds));
  const double took =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const HealthMap verdicts = (*checker)->verdicts();
  const auto up = std::ranges::count_if(
      verdicts, [](const auto& entry) { return entry.second.health == Health::kUp; });
  std::printf("%s: %ld of %d servers up, %.0f checks a second, %.1f %% of a core, %ld threads\n",
              kind.c_str(), static_cast<long>(up), count,
              static_cast<double>(connections_begun() - begun) / took,
              100 * (cpu_seconds() - cpu) / took, threads());
  return up == count ? 0 : 1;
}
