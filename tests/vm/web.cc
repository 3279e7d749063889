// Servers that answer with their own name, and a load that asks them at a fixed rate. Compiled,
// since an emulated machine that also directs has no time to spare; who is there, one by one,
// web.py asks.
//
//   web serve NAME ADDRESS PORT        HTTP: every request is answered with "NAME\n"
//   web serve-udp NAME ADDRESS PORT    the same for each datagram
//   web load ADDRESS PORT RATE [--timeout SECONDS] [--udp]
//       RATE requests a second, each in a connection of its own, whatever becomes of them, until
//       stdin ends; each line on stdin is answered with the sum of what has ended since the line
//       before
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "backends/file_descriptor.h"

using twobox::FileDescriptor;

namespace {

using Clock = std::chrono::steady_clock;

void require(bool holds, const char* what) {
  if (holds) return;
  std::perror(what);
  std::exit(1);
}

/// IPv4 as ::ffff:ADDRESS, so that "::" stands for both families.
sockaddr_in6 address_of(const std::string& address, const std::string& port) {
  sockaddr_in6 result{};
  result.sin6_family = AF_INET6;
  result.sin6_port = htons(static_cast<std::uint16_t>(std::stoi(port)));
  const std::string mapped = address.find(':') == std::string::npos ? "::ffff:" + address : address;
  require(::inet_pton(AF_INET6, mapped.c_str(), &result.sin6_addr) == 1, "address");
  return result;
}

const sockaddr* generic(const sockaddr_in6& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

void set_option(const FileDescriptor& socket, int level, int option, int value) {
  require(::setsockopt(socket.get(), level, option, &value, sizeof(value)) == 0, "setsockopt");
}

FileDescriptor open_socket(int type) {
  FileDescriptor socket(::socket(AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  require(socket.is_open(), "socket");
  set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  return socket;
}

FileDescriptor open_server(int type, const std::string& address, const std::string& port) {
  FileDescriptor socket = open_socket(type);
  // The address may come to the machine after its service.
  set_option(socket, IPPROTO_IPV6, IPV6_FREEBIND, 1);
  set_option(socket, SOL_SOCKET, SO_REUSEADDR, 1);
  const sockaddr_in6 own = address_of(address, port);
  require(::bind(socket.get(), generic(own), sizeof(own)) == 0, "bind");
  return socket;
}

/// Which of its sockets have something to say; each is known by a number of the caller's.
class Watch {
 public:
  Watch() { require(epoll_.is_open(), "epoll"); }

  void add(int fd, std::uint64_t number, std::uint32_t events) {
    control(EPOLL_CTL_ADD, fd, number, events);
  }
  void change(int fd, std::uint64_t number, std::uint32_t events) {
    control(EPOLL_CTL_MOD, fd, number, events);
  }
  /// At most `milliseconds`; -1 for ever. Ends with the next call.
  std::vector<epoll_event>& wait(int milliseconds) {
    events_.resize(256);
    const int count = ::epoll_wait(epoll_.get(), events_.data(), 256, milliseconds);
    events_.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
    return events_;
  }

 private:
  void control(int what, int fd, std::uint64_t number, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = number;
    require(::epoll_ctl(epoll_.get(), what, fd, &event) == 0, "epoll_ctl");
  }

  FileDescriptor epoll_{::epoll_create1(EPOLL_CLOEXEC)};
  std::vector<epoll_event> events_;
};

int serve(const std::string& name, const std::string& address, const std::string& port) {
  const std::string response = "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n" + name + "\n";
  const FileDescriptor listener = open_server(SOCK_STREAM, address, port);
  require(::listen(listener.get(), 1024) == 0, "listen");
  Watch watch;
  watch.add(listener.get(), 0, EPOLLIN);
  struct Connection {
    FileDescriptor socket;
    bool answered = false;
  };
  std::map<std::uint64_t, Connection> connections;
  std::uint64_t last = 0;
  std::array<char, 65536> request{};
  while (true) {
    for (const epoll_event& event : watch.wait(-1)) {
      if (event.data.u64 == 0) {
        FileDescriptor socket(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK));
        if (!socket.is_open()) continue;
        watch.add(socket.get(), ++last, EPOLLIN);
        connections.emplace(last, Connection{std::move(socket)});
        continue;
      }
      // Whatever comes is a request; closing while the rest of it is unread would reset the
      // connection.
      Connection& connection = connections.at(event.data.u64);
      const ssize_t bytes = ::recv(connection.socket.get(), request.data(), request.size(), 0);
      if (bytes <= 0) {
        connections.erase(event.data.u64);
      } else if (!connection.answered) {
        connection.answered = true;
        ::send(connection.socket.get(), response.data(), response.size(), MSG_NOSIGNAL);
        ::shutdown(connection.socket.get(), SHUT_WR);
      }
    }
  }
}

/// The client asked the virtual address, which routing would not choose as the source of the
/// answer. Its interface (lo, perhaps) must not be the answer's.
void answer_from_where_asked(msghdr& message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != IPPROTO_IPV6 || part->cmsg_type != IPV6_PKTINFO) continue;
    in6_pktinfo info{};
    std::memcpy(&info, CMSG_DATA(part), sizeof(info));
    info.ipi6_ifindex = 0;
    std::memcpy(CMSG_DATA(part), &info, sizeof(info));
  }
}

int serve_udp(const std::string& name, const std::string& address, const std::string& port) {
  std::string response = name + "\n";
  const FileDescriptor socket = open_server(SOCK_DGRAM, address, port);
  set_option(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  Watch watch;
  watch.add(socket.get(), 0, EPOLLIN);
  while (true) {
    watch.wait(-1);
    std::array<char, 65536> request{};
    alignas(cmsghdr) std::array<char, 256> control{};
    sockaddr_in6 client{};
    iovec data{request.data(), request.size()};
    msghdr message{&client, sizeof(client), &data, 1, control.data(), control.size(), 0};
    if (::recvmsg(socket.get(), &message, 0) < 0) continue;
    answer_from_where_asked(message);
    data = {response.data(), response.size()};
    ::sendmsg(socket.get(), &message, MSG_NOSIGNAL);
  }
}

struct LoadOptions {
  sockaddr_in6 target{};
  int rate = 1;
  std::chrono::duration<double> timeout{1};
  bool udp = false;
};

/// Slow answers do not slow the next requests down, as they would if one waited for the other: a
/// service that hangs for a second loses `rate` requests, not one.
class Load {
 public:
  explicit Load(const LoadOptions& options)
      : options_(options), period_(std::chrono::nanoseconds(1'000'000'000) / options.rate) {}

  int run() {
    watch_.add(STDIN_FILENO, 0, EPOLLIN);
    while (true) {
      start_due();
      for (const epoll_event& event : watch_.wait(milliseconds_to_next())) {
        if (event.data.u64 != 0)
          handle(event.data.u64, event.events);
        else if (std::string line; std::getline(std::cin, line))
          print_sum();
        else
          return 0;
      }
      give_up_on_silent();
    }
  }

 private:
  struct Request {
    FileDescriptor socket;
    Clock::time_point expires;
    std::string reply = {};
  };

  int milliseconds_to_next() const {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_ - Clock::now());
    return std::max(0, static_cast<int>(left.count()));
  }

  void start_due() {
    // Only what is due by now: a machine that can't keep the pace must still come to read the
    // answers.
    for (const auto now = Clock::now(); next_ <= now; next_ += period_) {
      // Late by more than ten turns, the pace is no longer what was asked for.
      if (now - next_ > 10 * period_) ++late_;
      Request request{open_socket(options_.udp ? SOCK_DGRAM : SOCK_STREAM),
                      now + std::chrono::duration_cast<Clock::duration>(options_.timeout)};
      static_cast<void>(
          ::connect(request.socket.get(), generic(options_.target), sizeof(options_.target)));
      watch_.add(request.socket.get(), ++last_, EPOLLOUT);
      open_.emplace(last_, std::move(request));
    }
  }

  void handle(std::uint64_t number, std::uint32_t events) {
    Request& request = open_.at(number);
    if ((events & EPOLLOUT) != 0) {
      constexpr std::string_view kAsk = "GET / HTTP/1.0\r\n\r\n";
      if (::send(request.socket.get(), kAsk.data(), kAsk.size(), MSG_NOSIGNAL) < 0)
        return end(number);
      return watch_.change(request.socket.get(), number, EPOLLIN);
    }
    std::array<char, 65536> data{};
    const ssize_t bytes = ::recv(request.socket.get(), data.data(), data.size(), 0);
    if (bytes < 0) {
      request.reply.clear();
      return end(number);
    }
    request.reply.append(data.data(), static_cast<std::size_t>(bytes));
    if (bytes == 0 || options_.udp) end(number);
  }

  /// The body's first line; "" for none.
  static std::string name_in(const std::string& reply) {
    const std::size_t header = reply.find("\r\n\r\n");
    const std::size_t body = header == std::string::npos ? 0 : header + 4;
    return reply.substr(body, reply.find('\n', body) - body);
  }

  void end(std::uint64_t number) {
    const std::string name = name_in(open_.at(number).reply);
    ++(name.empty() ? failed_ : answered_[name]);
    open_.erase(number);
  }

  /// In order of time, since all wait equally long.
  void give_up_on_silent() {
    const auto now = Clock::now();
    while (!open_.empty() && open_.begin()->second.expires <= now) {
      ++failed_;
      open_.erase(open_.begin());
    }
  }

  void print_sum() {
    for (auto& [name, count] : answered_)
      std::cout << name << '=' << std::exchange(count, 0) << ' ';
    std::cout << "failed=" << std::exchange(failed_, 0) << " late=" << std::exchange(late_, 0)
              << std::endl;
  }

  const LoadOptions options_;
  const Clock::duration period_;
  Watch watch_;
  Clock::time_point next_ = Clock::now();
  std::uint64_t last_ = 0;  // requests are numbered in order of time
  std::map<std::uint64_t, Request> open_;
  std::map<std::string, int> answered_;
  int failed_ = 0;
  int late_ = 0;
};

int load(const std::vector<std::string>& arguments) {
  LoadOptions options;
  options.target = address_of(arguments.at(1), arguments.at(2));
  options.rate = std::stoi(arguments.at(3));
  for (std::size_t i = 4; i < arguments.size(); ++i) {
    if (arguments[i] == "--timeout")
      options.timeout = std::chrono::duration<double>(std::stod(arguments.at(++i)));
    if (arguments[i] == "--udp") options.udp = true;
  }
  return Load(options).run();
}

}  // namespace

int main(int count, char** values) {
  const std::vector<std::string> arguments(values + 1, values + count);
  if (arguments.size() == 4 && arguments[0] == "serve")
    return serve(arguments[1], arguments[2], arguments[3]);
  if (arguments.size() == 4 && arguments[0] == "serve-udp")
    return serve_udp(arguments[1], arguments[2], arguments[3]);
  if (arguments.size() >= 4 && arguments[0] == "load") return load(arguments);
  std::cerr
      << "usage: web serve|serve-udp NAME ADDRESS PORT | load ADDRESS PORT RATE [--timeout SECONDS] [--udp]\n";
  return 64;
}
