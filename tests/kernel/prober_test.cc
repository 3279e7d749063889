// Both ends of the cable are in one namespace, so the source is an address of neither, routed back
// through the peer. The kernel's own TCP is what answers.
#include "backends/probe/prober.h"

#include <doctest/doctest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <thread>

#include "backends/probe/listeners.h"
#include "backends/probe/neighbours.h"
#include "tests/kernel/address_support.h"
#include "tests/kernel/capabilities.h"

namespace twobox::address_test {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr char kPeerMac[] = "08:00:27:e1:3c:c5";

struct Ends {
  const char* vip;
  const char* client;
};
constexpr Ends kIpv4{"172.16.0.30", "192.0.2.9"};
constexpr Ends kIpv6{"fd00:16::30", "2001:db8::9"};

class Wire {
 public:
  Wire() {
    run(std::string("ip link set peer address ") + kPeerMac);
    run("sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.peer.rp_filter=0");
    run("ip address add 172.16.0.30/24 dev peer && ip address add fd00:16::30/64 dev peer nodad");
    run("ip route add 192.0.2.0/24 dev peer && ip -6 route add 2001:db8::/64 dev peer");
    for (const char* client : {kIpv4.client, kIpv6.client})
      run(std::string("ip neighbour add ") + client + " dev peer lladdr " + kWireMac);
  }

 private:
  VethPair veth_;
};

/// Listens on port 80 of every address while it lives.
class Service {
 public:
  Service() : socket_(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int yes = 1;
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    sockaddr_in6 any{};
    any.sin6_family = AF_INET6;
    any.sin6_port = htons(80);
    REQUIRE(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&any), sizeof(any)) == 0);
    REQUIRE(::listen(socket_.get(), 8) == 0);
  }

 private:
  FileDescriptor socket_;
};

ProbeTarget through(const Ends& ends, const char* to = kPeerMac) {
  return {interface("wire"), *MacAddress::parse(kWireMac), *MacAddress::parse(to), ip(ends.client),
          ip(ends.vip),      *Port::from_number(80)};
}

Prober opened() {
  auto prober = Prober::open();
  REQUIRE_MESSAGE(prober.has_value(), prober.error().message);
  return *std::move(prober);
}

ProbeOutcome outcome_of(Prober& prober, const ProbeTarget& target,
                        std::chrono::milliseconds patience = 5s) {
  const Status begun = prober.begin(7, target, Clock::now() + patience);
  REQUIRE_MESSAGE(begun.has_value(), begun.error().message);
  for (;;) {
    pollfd waiting{prober.fd(), POLLIN, 0};
    const auto due = std::chrono::ceil<std::chrono::milliseconds>(*prober.next() - Clock::now());
    ::poll(&waiting, 1, static_cast<int>(std::max(0ms, due).count()));
    const auto ended = prober.drain(Clock::now());
    if (ended.empty()) continue;
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].id == 7);
    CHECK_FALSE(prober.next().has_value());
    return ended[0].outcome;
  }
}

std::string half_open() {
  return "test -z \"$(ss -Htn state syn-recv)\"";
}

TEST_CASE("prober: a service answers, and no half connection is left") {
  const Wire wire;
  const Service service;
  Prober prober = opened();
  for (const Ends& ends : {kIpv4, kIpv6}) {
    CAPTURE(ends.vip);
    const ProbeOutcome outcome = outcome_of(prober, through(ends));
    CHECK(outcome.result == ProbeResult::kAnswered);
    CHECK(outcome.from == MacAddress::parse(kPeerMac).value());
    CHECK(outcome.ttl == 64);
    CHECK(outcome.returns.empty());
    run("sleep 0.1");
    CHECK(succeeds(half_open()));
  }
}

TEST_CASE("prober: many at once, each with its own outcome") {
  const Wire wire;
  const Service service;
  Prober prober = opened();
  const auto deadline = Clock::now() + 10s;
  for (std::uint64_t id = 0; id < 100; ++id) {
    ProbeTarget target = through(id % 2 == 0 ? kIpv4 : kIpv6);
    if (id % 3 == 0) target.port = *Port::from_number(81);
    REQUIRE(prober.begin(id, target, deadline).has_value());
  }
  std::map<std::uint64_t, ProbeResult> results;
  while (prober.next() && Clock::now() < deadline) {
    pollfd waiting{prober.fd(), POLLIN, 0};
    ::poll(&waiting, 1, 1000);
    for (const Prober::Ended& ended : prober.drain(Clock::now()))
      results[ended.id] = ended.outcome.result;
  }
  REQUIRE(results.size() == 100);
  for (const auto& numbered : results) {
    const auto id = numbered.first;
    CAPTURE(id);
    CHECK(numbered.second == (id % 3 == 0 ? ProbeResult::kRefused : ProbeResult::kAnswered));
  }
}

TEST_CASE("prober: refused, unreachable, silent") {
  const Wire wire;
  Prober prober = opened();
  for (const Ends& ends : {kIpv4, kIpv6}) {
    CAPTURE(ends.vip);
    CHECK(outcome_of(prober, through(ends)).result == ProbeResult::kRefused);
    CHECK(outcome_of(prober, through(ends, "08:00:27:00:00:01"), 200ms).result ==
          ProbeResult::kTimedOut);
  }
  run("nft 'table inet closed { chain in { type filter hook input priority 0; "
      "tcp dport 80 reject with icmpx port-unreachable; }; }'");
  for (const Ends& ends : {kIpv4, kIpv6})
    CHECK(outcome_of(prober, through(ends)).result == ProbeResult::kUnreachable);
  run("nft delete table inet closed");
}

/// Takes probes off the peer's end and puts them on it again, as a director that schedules what it
/// should answer.
void send_back(PacketSocket& socket, int times) {
  const int index = static_cast<int>(::if_nametoindex("peer"));
  std::vector<std::uint8_t> probe;
  while (probe.empty())
    socket.receive(8, [&](FrameBytes bytes, int) { probe.assign(bytes.begin(), bytes.end()); });
  std::swap_ranges(probe.begin(), probe.begin() + 6, probe.begin() + 6);
  for (int i = 0; i < times; ++i) {
    --probe[22];
    REQUIRE(socket.send(probe, index).has_value());
  }
}

TEST_CASE("prober: a probe that comes back, once and in a loop") {
  const Wire wire;
  Prober prober = opened();
  auto peer = PacketSocket::open();
  REQUIRE(peer.has_value());
  FramePattern probes = ipv4_frame();
  probes.among.push_back({{36, 2}, {80}});
  REQUIRE(peer->set_filter(compile_filter(std::vector{probes}, 256)).has_value());
  for (const int times : {1, 3}) {
    CAPTURE(times);
    ProbeTarget target = through(kIpv4, kPeerMac);
    target.source = ip("172.16.0.30");  // its own: dropped as martian, as on the machine that asks
    std::thread director([&] { send_back(*peer, times); });
    const ProbeOutcome outcome = outcome_of(prober, target, 500ms);
    director.join();
    CHECK(outcome.result == ProbeResult::kCameBack);
    REQUIRE(outcome.returns.size() == static_cast<std::size_t>(times));
    for (int i = 0; i < times; ++i) {
      const ProbeReturn& seen = outcome.returns[static_cast<std::size_t>(i)];
      CHECK(seen.from == *MacAddress::parse(kPeerMac));
      CHECK(int{seen.ttl} == 63 - i);
    }
  }
}

TEST_CASE("prober: ordinary traffic is not copied") {
  const Wire wire;
  const Service service;
  auto socket = PacketSocket::open();
  REQUIRE(socket.has_value());
  REQUIRE(socket->set_filter(compile_filter(echo_patterns(0x1234), 256)).has_value());
  Prober other = opened();  // of another tag
  CHECK(outcome_of(other, through(kIpv4)).result == ProbeResult::kAnswered);
  CHECK(outcome_of(other, through(kIpv6)).result == ProbeResult::kAnswered);
  CHECK(socket->count_taken() == 0);
}

TEST_CASE("prober: what is missing is said") {
  Prober prober = opened();
  const Status begun = prober.begin(1, through(kIpv4), Clock::now() + 1s);
  REQUIRE_FALSE(begun.has_value());
  CHECK(begun.error().kind == ErrorKind::kUnavailable);
  CHECK(begun.error().message == "probe by wire: the interface does not exist");
  CHECK_FALSE(prober.next().has_value());
  std::thread([] {
    drop_capabilities();
    const auto refused = Prober::open();
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().kind == ErrorKind::kUnavailable);
    CHECK(refused.error().message ==
          "open a packet socket: Operation not permitted (needs CAP_NET_RAW)");
  }).join();
}

TEST_CASE("listeners: what the kernel lists") {
  const auto before = listening_sockets();
  REQUIRE_MESSAGE(before.has_value(), before.error().message);
  CHECK_FALSE(would_accept(*before, ip("172.16.0.30"), *Port::from_number(80)));
  const Service service;
  const auto sockets = listening_sockets();
  REQUIRE(sockets.has_value());
  CHECK(would_accept(*sockets, ip("172.16.0.30"), *Port::from_number(80)));
  CHECK(would_accept(*sockets, ip("fd00:16::30"), *Port::from_number(80)));
}

/// Binds and listens on `address`, IPv4 or IPv6, where any address may be bound to.
FileDescriptor listen_on(const char* address, int ipv6_only) {
  FileDescriptor socket(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  constexpr int kFreeBind = 78;  // IPV6_FREEBIND
  const int yes = 1;
  ::setsockopt(socket.get(), IPPROTO_IPV6, kFreeBind, &yes, sizeof(yes));
  ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &ipv6_only, sizeof(ipv6_only));
  sockaddr_in6 to{};
  to.sin6_family = AF_INET6;
  to.sin6_port = htons(8080);
  std::memcpy(&to.sin6_addr, ip(address).bytes().data(), 16);
  REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0);
  REQUIRE(::listen(socket.get(), 1) == 0);
  return socket;
}

TEST_CASE("listeners: wildcards, mapped addresses and IPv6 alone") {
  struct Row {
    const char* bound;
    int ipv6_only;
    ListeningSocket want;
  };
  const Row rows[] = {
      {"::", 1, {ip("::"), 8080, true}},
      {"::", 0, {ip("::"), 8080, false}},
      {"::ffff:172.16.0.30", 0, {ip("172.16.0.30"), 8080, false}},
      {"fd00:16::30", 1, {ip("fd00:16::30"), 8080, true}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.bound);
    const FileDescriptor socket = listen_on(row.bound, row.ipv6_only);
    const auto sockets = listening_sockets();
    REQUIRE(sockets.has_value());
    CHECK(std::ranges::count(*sockets, row.want) == 1);
  }
}

TEST_CASE("neighbours: what the kernel knows, and asks for") {
  const Wire wire;
  const auto known = neighbours(interface("peer"));
  REQUIRE_MESSAGE(known.has_value(), known.error().message);
  CHECK(known->at(ip(kIpv4.client)) == *MacAddress::parse(kWireMac));
  CHECK(known->at(ip(kIpv6.client)) == *MacAddress::parse(kWireMac));
  CHECK(neighbours(interface("wire"))->empty());

  // The other end answers ARP for what it has; both ends are on one machine, so from another
  // source.
  run("sysctl -qw net.ipv4.conf.wire.arp_announce=0 net.ipv4.conf.all.accept_local=1");
  run("ip address add 172.16.0.40/24 dev wire");
  const Status asked = ask_for_neighbour(interface("wire"), ip(kIpv4.vip));
  REQUIRE_MESSAGE(asked.has_value(), asked.error().message);
  CHECK(
      succeeds("for i in $(seq 40); do ip neighbour show dev wire | grep -q 172.16.0.30 && exit; "
               "sleep 0.05; done; exit 1"));
  CHECK(ask_for_neighbour(interface("none"), ip(kIpv4.vip)).error().kind ==
        ErrorKind::kUnavailable);
}

}  // namespace
}  // namespace twobox::address_test
