#include "checks/probe_through_vip.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <utility>

#include "backends/probe/neighbours.h"

namespace twobox {
namespace {

using Kind = CheckOutcome::Kind;

/// Thousands of checks in a second must not read the list of sockets as often.
constexpr std::chrono::milliseconds kSocketsStayTrue{100};

Error failure(const std::string& doing) {
  return {ErrorKind::kUnavailable, errno, doing + ": " + std::strerror(errno)};
}

std::string at(const IpAddress& address, Port port) {
  const bool is_ipv6 = address.family() == AddressFamily::kIpv6;
  return (is_ipv6 ? "[" + address.to_string() + "]" : address.to_string()) + ":" +
         std::to_string(port.host_order());
}

Result<MacAddress> mac_of(const InterfaceName& interface) {
  std::ifstream file("/sys/class/net/" + interface.str() + "/address");
  std::string text;
  if (file >> text)
    if (const auto mac = MacAddress::parse(text)) return *mac;
  return Error{ErrorKind::kUnavailable, ENODEV,
               "interface " + interface.str() + " has no Ethernet address"};
}

/// A node's MAC is the document's; with several (a bond), the one it uses now.
Result<MacAddress> mac_of(const CheckTarget& target) {
  if (target.macs.size() == 1) return target.macs.front();
  const auto known = neighbours(target.interface);
  if (!known) return known.error();
  const auto found = known->find(target.server.address);
  if (found != known->end()) return found->second;
  static_cast<void>(ask_for_neighbour(target.interface, target.server.address));
  return Error{ErrorKind::kUnavailable, EAGAIN,
               "the MAC of " + target.server.address.to_string() + " is not known yet"};
}

Result<ProbeTarget> probe_of(const CheckTarget& target) {
  if (!target.own_address)
    return Error{ErrorKind::kUnavailable, EADDRNOTAVAIL,
                 "this node has no address of the VIP's family"};
  const auto own = mac_of(target.interface);
  if (!own) return own.error();
  const auto server = mac_of(target);
  if (!server) return server.error();
  return ProbeTarget{target.interface,    *own,       *server,
                     *target.own_address, target.vip, target.service_port};
}

std::string words_of(const ProbeOutcome& outcome) {
  if (!outcome.returns.empty())
    return "the packet came back here: the server's own IPVS schedules it again";
  switch (outcome.result) {
    case ProbeResult::kAnswered:
      return "";
    case ProbeResult::kRefused:
      return "connection refused: no socket of the server listens on the VIP";
    case ProbeResult::kUnreachable:
      return "unreachable: it has not got the VIP";
    case ProbeResult::kTimeExceeded:
      return "time to live exceeded: the packet goes in circles";
    case ProbeResult::kCameBack:
    case ProbeResult::kTimedOut:
      break;
  }
  return "no answer: it has not got the VIP, or drops the packet";
}

}  // namespace

Result<std::unique_ptr<ThroughVip>> ProbeThroughVip::open() {
  auto prober = Prober::open();
  if (!prober) return prober.error();
  FileDescriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.is_open()) return failure("epoll_create1");
  FileDescriptor answered(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!answered.is_open()) return failure("eventfd");
  for (const int fd : {prober->fd(), answered.get()}) {
    epoll_event event{};
    event.events = EPOLLIN;
    if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) != 0) return failure("epoll_ctl");
  }
  return std::unique_ptr<ThroughVip>(
      new ProbeThroughVip(*std::move(prober), std::move(epoll), std::move(answered)));
}

Status ProbeThroughVip::begin(CheckId id, const CheckTarget& target, SteadyTime deadline) {
  if (target.is_local) return look_up(id, target);
  const auto probe = probe_of(target);
  if (!probe) return probe.error();
  return prober_.begin(id, *probe, deadline);
}

/// With redirect a backup's server is asked by its own address, a master's by the VIP.
Status ProbeThroughVip::look_up(CheckId id, const CheckTarget& target) {
  const SteadyTime now = std::chrono::steady_clock::now();
  if (now - sockets_read_ > kSocketsStayTrue) {
    auto sockets = listening_sockets();
    if (!sockets) return sockets.error();
    sockets_ = *std::move(sockets);
    sockets_read_ = now;
  }
  std::string missing;
  if (!would_accept(sockets_, target.vip, target.service_port))
    missing = at(target.vip, target.service_port);
  else if (target.bypass == Bypass::kRedirect &&
           !would_accept(sockets_, target.server.address, target.service_port))
    missing = at(target.server.address, target.service_port);
  CheckOutcome outcome{Kind::kPassed};
  if (!missing.empty()) outcome = {Kind::kFailed, "no socket listens on " + missing};
  answers_.push_back({id, std::move(outcome)});
  const std::uint64_t one = 1;
  static_cast<void>(::write(answered_.get(), &one, sizeof(one)) < 0);
  return success();
}

std::vector<ThroughVip::Answer> ProbeThroughVip::drain() {
  std::uint64_t count = 0;
  static_cast<void>(::read(answered_.get(), &count, sizeof(count)) < 0);
  std::vector<Answer> answers = std::exchange(answers_, {});
  for (const Prober::Ended& ended : prober_.drain(std::chrono::steady_clock::now())) {
    const std::string words = words_of(ended.outcome);
    answers.push_back({ended.id, words.empty() ? CheckOutcome{Kind::kPassed}
                                               : CheckOutcome{Kind::kFailed, words}});
  }
  return answers;
}

}  // namespace twobox
