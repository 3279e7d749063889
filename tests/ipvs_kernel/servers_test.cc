#include <doctest/doctest.h>

#include <cerrno>

#include "backends/ipvs/server_lists.h"
#include "tests/ipvs_kernel/support.h"

using namespace twobox;
using namespace twobox::ipvs_kernel;

namespace {

constexpr std::uint32_t kHighestWeight = 0x7fffffff;

/// Creates, edits through all of `configs` and deletes one real server of `service`.
void walk_through(const IpvsServiceKey& service, const RealServerKey& server,
                  const std::vector<RealServerConfig>& configs) {
  Kernel kernel;
  KernelState want;
  want.ipvs_services[service] = scheduled_by("wlc");
  for (const RealServerConfig& config : configs) {
    want.ipvs_servers[server] = config;
    kernel.converge(want);
  }
  want.ipvs_servers.clear();
  kernel.converge(want);
}

/// Keeps every combination of the values that matter.
std::vector<RealServerConfig> many_configs() {
  std::vector<RealServerConfig> configs;
  for (const Forwarding forwarding :
       {Forwarding::kDirect, Forwarding::kMasquerade, Forwarding::kTunnel}) {
    for (const std::uint32_t weight : {0U, 1U, 100U, 65'536U, kHighestWeight})
      configs.push_back({forwarding, weight, 0, 0, {}});
    configs.push_back({forwarding, 1, 1000, 0, {}});
    configs.push_back({forwarding, 1, 1000, 800, {}});
    configs.push_back({forwarding, 1, 500, 400, {}});
    configs.push_back({forwarding, 1, kHighestWeight, kHighestWeight, {}});
    configs.push_back({forwarding, 1, 0, 0, {}});
  }
  return configs;
}

}  // namespace

TEST_CASE("ipvs: weight, forwarding and thresholds of an IPv4 real server") {
  const IpvsServiceKey service = tcp("172.16.0.30");
  walk_through(service, {service, ip("172.16.0.31"), 80}, many_configs());
}

TEST_CASE("ipvs: weight, forwarding and thresholds of an IPv6 real server") {
  const IpvsServiceKey service = udp("2001:db8::30", 53);
  walk_through(service, {service, ip("2001:db8::31"), 53}, many_configs());
}

TEST_CASE("ipvs: weight, forwarding and thresholds behind firewall marks") {
  walk_through(mark4(1), {mark4(1), ip("172.16.0.31"), 0}, many_configs());
  walk_through(mark6(1), {mark6(1), ip("2001:db8::31"), 8080}, many_configs());
}

TEST_CASE("ipvs: a real server on this machine reads back as asked for") {
  const IpvsServiceKey service = tcp("127.0.0.30");
  walk_through(service, {service, ip("127.0.0.1"), 80},
               {{Forwarding::kDirect, 1, 0, 0, {}}, {Forwarding::kMasquerade, 1, 0, 0, {}}});
}

TEST_CASE("ipvs: tunnel encapsulations come, change and go") {
  const IpvsServiceKey service = tcp("172.16.0.30");
  const auto tunnel = [](TunnelEncapsulation encapsulation) {
    return RealServerConfig{Forwarding::kTunnel, 1, 0, 0, encapsulation};
  };
  walk_through(service, {service, ip("172.16.0.31"), 80},
               {tunnel({}), tunnel({1, 6080, 0}), tunnel({1, 6081, 1}), tunnel({2, 0, 0}),
                tunnel({}), RealServerConfig{}});
}

TEST_CASE("ipvs: a tunnel reaches a real server of the other family") {
  const IpvsServiceKey service = tcp("172.16.0.30");
  walk_through(service, {service, ip("2001:db8::31"), 80},
               {{Forwarding::kTunnel, 1, 0, 0, {}}, {Forwarding::kTunnel, 2, 0, 0, {}}});
  const IpvsServiceKey marked = mark6(5);
  walk_through(marked, {marked, ip("172.16.0.31"), 80}, {{Forwarding::kTunnel, 1, 0, 0, {}}});
}

TEST_CASE("ipvs: the same address on several ports and services is several real servers") {
  Kernel kernel;
  KernelState want;
  for (const IpvsServiceKey& service : {tcp("172.16.0.30"), udp("172.16.0.30"), mark4(9)}) {
    want.ipvs_services[service] = scheduled_by("rr");
    for (const std::uint16_t port : std::initializer_list<std::uint16_t>{80, 8080, 65535})
      want.ipvs_servers[{service, ip("172.16.0.31"), port}] = {};
  }
  kernel.converge(want);
  want.ipvs_services.erase(mark4(9));
  std::erase_if(want.ipvs_servers,
                [](const auto& server) { return server.first.service == mark4(9); });
  kernel.converge(want);
}

TEST_CASE("ipvs: creating a real server that exists edits it, editing one that is gone adds it") {
  Kernel kernel;
  const IpvsServiceKey service = tcp("172.16.0.30");
  KernelState want;
  want.ipvs_services[service] = scheduled_by("rr");
  want.ipvs_servers[{service, ip("172.16.0.31"), 80}] = {};
  kernel.converge(want);
  const RealServerConfig heavy{.weight = 7, .tunnel = {}};
  const RealServerConfig light{.weight = 2, .tunnel = {}};
  const auto outcomes =
      kernel.apply({RealServerChange{{service, ip("172.16.0.31"), 80}, std::nullopt, heavy},
                    RealServerChange{{service, ip("172.16.0.32"), 80}, light, heavy}});
  for (const Status& outcome : outcomes) CHECK(outcome.has_value());
  want.ipvs_servers[{service, ip("172.16.0.31"), 80}] = heavy;
  want.ipvs_servers[{service, ip("172.16.0.32"), 80}] = heavy;
  kernel.converge(want);
}

TEST_CASE("ipvs: the kernel's refusals of real servers in words") {
  struct Row {
    std::string_view what;
    RealServerKey key;
    RealServerConfig config;
    int errno_value;
    std::string_view message;
  };
  const IpvsServiceKey service = tcp("172.16.0.30");
  const Row rows[] = {
      {"no service",
       {tcp("172.16.0.99"), ip("172.16.0.31"), 80},
       {},
       ESRCH,
       "add real server tcp 172.16.0.99:80 -> 172.16.0.31:80: its service does not exist"},
      {"weight",
       {service, ip("172.16.0.31"), 80},
       {Forwarding::kDirect, 0x80000000, 0, 0, {}},
       ERANGE,
       "add real server tcp 172.16.0.30:80 -> 172.16.0.31:80: the weight is above 2147483647, or "
       "the lower threshold above the upper one"},
      {"thresholds",
       {service, ip("172.16.0.31"), 80},
       {Forwarding::kDirect, 1, 5, 6, {}},
       ERANGE,
       "add real server tcp 172.16.0.30:80 -> 172.16.0.31:80: the weight is above 2147483647, or "
       "the lower threshold above the upper one"},
      {"mixed families",
       {service, ip("2001:db8::31"), 80},
       {},
       EINVAL,
       "add real server tcp 172.16.0.30:80 -> [2001:db8::31]:80: a real server of the other "
       "address family can only be reached by a tunnel"},
      {"multicast",
       {service, ip("224.0.0.1"), 80},
       {},
       EINVAL,
       "add real server tcp 172.16.0.30:80 -> 224.0.0.1:80: the kernel takes no such address, "
       "threshold or encapsulation"},
  };
  Kernel kernel;
  KernelState want;
  want.ipvs_services[service] = scheduled_by("rr");
  kernel.converge(want);
  for (const Row& row : rows) {
    CAPTURE(row.what);
    const Status outcome =
        kernel.change<RealServerKey, RealServerConfig>(row.key, std::nullopt, row.config);
    REQUIRE_FALSE(outcome.has_value());
    CHECK(outcome.error().errno_value == row.errno_value);
    CHECK(outcome.error().message == row.message);
  }
  kernel.converge(want);
}

TEST_CASE("ipvs: a list by getsockopt() is the whole list, or none") {
  const IpvsServiceKey named = tcp("172.16.0.30");
  const IpvsServiceKey marked = mark4(7);
  const IpvsServiceKey wide = tcp("2001:db8::30");
  Kernel kernel;
  KernelState want;
  for (const IpvsServiceKey& service : {named, marked, wide})
    want.ipvs_services[service] = scheduled_by("wlc");
  const ipvs::ServerLists lists;

  const auto add = [&](const RealServerKey& server, const RealServerConfig& config) {
    want.ipvs_servers[server] = config;
    kernel.converge(want);
  };
  kernel.converge(want);
  CHECK(lists.read(named).value().empty());
  CHECK(lists.count_services() == 2);
  for (std::uint8_t i = 1; i <= 100; ++i)
    want.ipvs_servers[{named, IpAddress::from_ipv4(std::array<std::uint8_t, 4>{172, 16, 1, i}),
                       i}] = {Forwarding::kMasquerade, i, 200U + i, 100U + i, {}};
  kernel.converge(want);
  CHECK(lists.read(named) == want.ipvs_servers);
  add({marked, ip("172.16.0.31"), 8080}, {Forwarding::kDirect, kHighestWeight, 0, 0, {}});
  CHECK(lists.read(marked).value().size() == 1);
  CHECK(lists.read(named).value().size() == 100);

  CHECK_FALSE(lists.read(wide).has_value());
  CHECK_FALSE(lists.read(tcp("172.16.0.99")).has_value());
  add({marked, ip("2001:db8::31"), 80}, {Forwarding::kTunnel, 1, 0, 0, {}});
  CHECK_FALSE(lists.read(marked).has_value());
  add({named, ip("172.16.0.31"), 80}, {Forwarding::kTunnel, 1, 0, 0, {1, 6080, 0}});
  CHECK_FALSE(lists.read(named).has_value());
}
