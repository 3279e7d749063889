// Sync daemons and timeouts.
#include <doctest/doctest.h>

#include <cerrno>
#include <chrono>

#include "tests/ipvs_kernel/support.h"

using namespace twobox;
using namespace twobox::ipvs_kernel;

namespace {

constexpr SyncDaemonKey kMaster{SyncState::kMaster};
constexpr SyncDaemonKey kBackup{SyncState::kBackup};

/// Interfaces with addresses that multicast can leave by.
class Wires {
 public:
  Wires() {
    run("ip link add wire0 type dummy && ip link set wire0 up multicast on");
    run("ip link add wire1 mtu 9000 type dummy && ip link set wire1 up multicast on");
    run("ip address add 10.99.0.1/24 dev wire0 && ip address add 10.98.0.1/24 dev wire1");
    run("ip address add 2001:db8:99::1/64 dev wire0 nodad");
  }
  ~Wires() {
    // The daemons hold the interfaces, so they go first.
    empty_ipvs();
    run("ip link delete wire0 && ip link delete wire1");
  }
};

SyncDaemonConfig daemon(std::uint8_t id, std::uint16_t max_length = 1400) {
  return {interface("wire0"), id, max_length, ip("224.0.0.81"), 8848, 1};
}

}  // namespace

TEST_CASE("ipvs: sync daemons start, change and stop") {
  const Wires wires;
  Kernel kernel;
  SyncDaemonConfig all_set{interface("wire1"), 255, 1300, ip("239.1.2.3"), 9000, 9};
  SyncDaemonConfig ipv6{interface("wire0"), 4, 1200, ip("ff05::81"), 8849, 3};
  for (const SyncDaemonKey& key : {kMaster, kBackup}) {
    CAPTURE(static_cast<int>(key.state));
    KernelState want;
    for (const SyncDaemonConfig& config : {daemon(0), daemon(7), all_set, ipv6, daemon(7)}) {
      want.ipvs_daemons = {{key, config}};
      kernel.converge(want);
    }
    kernel.converge({});
  }
}

TEST_CASE("ipvs: both daemons run side by side and follow a change of role") {
  const Wires wires;
  Kernel kernel;
  KernelState both;
  both.ipvs_daemons = {{kMaster, daemon(1)}, {kBackup, daemon(1)}};
  kernel.converge(both);
  both.ipvs_daemons = {{kMaster, daemon(2)}, {kBackup, daemon(3)}};
  kernel.converge(both);
  both.ipvs_daemons.at(kBackup) = daemon(4);  // only one of them changes
  kernel.converge(both);
  KernelState master;
  master.ipvs_daemons = {{kMaster, daemon(1)}};
  KernelState backup;
  backup.ipvs_daemons = {{kBackup, daemon(1)}};
  kernel.converge(backup);
  kernel.converge(master);
  kernel.converge(backup);
}

TEST_CASE("ipvs: what a document leaves out, the kernel fills in") {
  const Wires wires;
  Kernel kernel;
  const IpAddress any = ip("0.0.0.0");
  for (const auto& [key, wire, want_length] :
       {std::tuple(kMaster, "wire0", 1472), std::tuple(kMaster, "wire1", 1472),
        std::tuple(kBackup, "wire0", 1472), std::tuple(kBackup, "wire1", 8972)}) {
    const SyncDaemonConfig bare{interface(wire), 0, 0, any, 0, 0};
    const Status started = kernel.change<SyncDaemonKey, SyncDaemonConfig>(key, std::nullopt, bare);
    INFO((started ? std::string() : started.error().message));
    REQUIRE(started.has_value());
    const SyncDaemonConfig running = kernel.observe().ipvs_daemons.at(key);
    CHECK(running.group == ip("224.0.0.81"));
    CHECK(running.port == 8848);
    CHECK(running.ttl == 1);
    CHECK(running.max_length == want_length);
    kernel.converge({});
  }
}

TEST_CASE("ipvs: starting a daemon that runs replaces it, stopping one that does not succeeds") {
  const Wires wires;
  Kernel kernel;
  using Daemon = std::optional<SyncDaemonConfig>;
  const auto change = [&](const Daemon& before, const Daemon& after) {
    return kernel.change<SyncDaemonKey, SyncDaemonConfig>(kMaster, before, after).has_value();
  };
  CHECK(change(std::nullopt, daemon(1)));
  CHECK(change(std::nullopt, daemon(2)));
  CHECK(kernel.observe().ipvs_daemons.at(kMaster) == daemon(2));
  CHECK(change(daemon(1), std::nullopt));
  CHECK(change(daemon(1), std::nullopt));
  CHECK(change(daemon(1), daemon(3)));
  CHECK(kernel.observe().ipvs_daemons.at(kMaster) == daemon(3));
}

TEST_CASE("ipvs: a daemon that is stopped before it has run at all is stopped, and at once") {
  const Wires wires;
  Kernel kernel;
  std::vector<Change> changes;
  for (int i = 0; i < 20; ++i) {
    for (const SyncDaemonKey& key : {kMaster, kBackup}) {
      changes.emplace_back(SyncDaemonChange{key, std::nullopt, daemon(1)});
      changes.emplace_back(SyncDaemonChange{key, daemon(1), std::nullopt});
    }
  }
  const auto start = std::chrono::steady_clock::now();
  for (const Status& outcome : kernel.apply(changes)) CHECK(outcome.has_value());
  for (const Change& change : changes) {
    const Status outcome = kernel.apply({change}).front();
    INFO((outcome ? std::string() : outcome.error().message));
    CHECK(outcome.has_value());
  }
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
  MESSAGE("seconds for 80 starts and stops: ", passed.count());
  CHECK(kernel.observe().ipvs_daemons.empty());
}

TEST_CASE("ipvs: the kernel's refusals of daemons in words") {
  const Wires wires;
  Kernel kernel;
  SyncDaemonConfig nowhere = daemon(1);
  nowhere.interface = interface("nosuch0");
  const Status lost =
      kernel.change<SyncDaemonKey, SyncDaemonConfig>(kBackup, std::nullopt, nowhere);
  REQUIRE_FALSE(lost.has_value());
  CHECK(lost.error().errno_value == ENODEV);
  CHECK(lost.error().message == "start backup sync daemon: there is no interface nosuch0");

  KernelState mixed;
  mixed.ipvs_services[tcp("172.16.0.30")] = scheduled_by("rr");
  mixed.ipvs_servers[{tcp("172.16.0.30"), ip("2001:db8::31"), 80}] = {
      Forwarding::kTunnel, 1, 0, 0, {}};
  kernel.converge(mixed);
  const Status refused =
      kernel.change<SyncDaemonKey, SyncDaemonConfig>(kMaster, std::nullopt, daemon(1));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().errno_value == EINVAL);
}

TEST_CASE("ipvs: timeouts are set one by one and together") {
  Kernel kernel;
  const IpvsTimeoutsConfig at_first = kernel.observe().ipvs_timeouts.at({});
  CHECK(at_first.tcp == 900);
  CHECK(at_first.tcp_fin == 120);
  CHECK(at_first.udp == 300);
  KernelState want;
  for (const IpvsTimeoutsConfig& config :
       {IpvsTimeoutsConfig{901, 121, 301}, IpvsTimeoutsConfig{1, 1, 1},
        IpvsTimeoutsConfig{86'400, 3600, 3600}}) {
    want.ipvs_timeouts[{}] = config;
    kernel.converge(want);
  }
  const auto partly = kernel.change<IpvsTimeoutsKey, IpvsTimeoutsConfig>(
      {}, std::nullopt, IpvsTimeoutsConfig{0, 77, 0});
  CHECK(partly.has_value());
  CHECK(kernel.observe().ipvs_timeouts.at({}) == IpvsTimeoutsConfig{86'400, 77, 3600});
  want.ipvs_timeouts[{}] = at_first;
  kernel.converge(want);
  CHECK(kernel.change<IpvsTimeoutsKey, IpvsTimeoutsConfig>({}, at_first, std::nullopt).has_value());
  const auto refused = kernel.change<IpvsTimeoutsKey, IpvsTimeoutsConfig>(
      {}, std::nullopt, IpvsTimeoutsConfig{0x7fffffff, 0, 0});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message == "set IPVS timeouts: a timeout is too long for this kernel");
}
