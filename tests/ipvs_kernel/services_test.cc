#include <doctest/doctest.h>

#include <cerrno>
#include <set>

#include "backends/modules.h"
#include "tests/ipvs_kernel/support.h"

using namespace twobox;
using namespace twobox::ipvs_kernel;

namespace {

const std::vector<std::string> kSchedulers = {"rr",    "wrr", "lc", "wlc", "fo",  "ovf", "lblc",
                                              "lblcr", "dh",  "sh", "mh",  "sed", "nq",  "twos"};

/// Creates, reads back, edits into each other and deletes one service after another.
void walk_through(const IpvsServiceKey& key, const std::vector<IpvsServiceConfig>& configs) {
  Kernel kernel;
  for (const IpvsServiceConfig& config : configs) {
    KernelState want;
    want.ipvs_services[key] = config;
    kernel.converge(want);
  }
  kernel.converge({});
}

IpvsServiceConfig persistent(std::uint32_t timeout, unsigned prefix_length) {
  IpvsServiceConfig config = scheduled_by("rr");
  config.persistence = Persistence{timeout, prefix_length};
  return config;
}

}  // namespace

TEST_CASE("ipvs: services of every kind of key come back equal") {
  Kernel kernel;
  KernelState want;
  for (const IpvsServiceKey& key :
       {tcp("172.16.0.30"), udp("172.16.0.30"), sctp("172.16.0.30"), tcp("172.16.0.30", 65535),
        tcp("172.16.0.30", 1), tcp("2001:db8::30"), udp("2001:db8::30", 53), sctp("2001:db8::30"),
        tcp("::ffff:172.16.0.30"), mark4(1), mark6(1), mark4(0xffffffff), mark6(0x80000000)})
    want.ipvs_services[key] = scheduled_by("wlc");
  kernel.converge(want);
  kernel.converge({});
}

TEST_CASE("ipvs: a service for every port is read, since others may make one") {
  walk_through(tcp("172.16.0.30", 0), {persistent(60, 32)});
}

TEST_CASE("ipvs: every scheduler this kernel has can be set and changed in place") {
  std::vector<IpvsServiceConfig> configs;
  std::set<std::string> found;
  for (const std::string& scheduler : kSchedulers) {
    if (!load_kernel_module("ip_vs_" + scheduler)) continue;
    found.insert(scheduler);
    configs.push_back(scheduled_by(scheduler));
  }
  MESSAGE("schedulers: ", found.size(), " of ", kSchedulers.size());
  CHECK(found.contains("rr"));
  CHECK(found.contains("mh"));
  configs.push_back(scheduled_by("none"));
  walk_through(tcp("172.16.0.30"), configs);
  walk_through(mark6(7), configs);
}

TEST_CASE("ipvs: flags are set and taken away") {
  std::vector<IpvsServiceConfig> configs;
  for (unsigned bits = 0; bits < 16; ++bits) {
    IpvsServiceConfig config = scheduled_by("mh");
    config.one_packet = (bits & 1) != 0;
    config.scheduler_flags = {(bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0};
    configs.push_back(config);
  }
  walk_through(udp("172.16.0.30"), configs);
  walk_through(udp("2001:db8::30"), configs);
}

TEST_CASE("ipvs: persistence comes, changes and goes, for IPv4 with every mask") {
  std::vector<IpvsServiceConfig> configs = {scheduled_by("rr")};
  for (unsigned length = 0; length <= 32; ++length) configs.push_back(persistent(360, length));
  for (const std::uint32_t timeout : {1U, 360U, 86'400U, 2'678'400U})
    configs.push_back(persistent(timeout, 24));
  configs.push_back(scheduled_by("rr"));
  walk_through(tcp("172.16.0.30"), configs);
  walk_through(mark4(3), configs);
}

TEST_CASE("ipvs: persistence comes, changes and goes, for IPv6 with every length") {
  std::vector<IpvsServiceConfig> configs = {scheduled_by("rr")};
  for (unsigned length = 1; length <= 128; ++length) configs.push_back(persistent(360, length));
  configs.push_back(scheduled_by("rr"));
  walk_through(tcp("2001:db8::30"), configs);
  walk_through(mark6(3), configs);
}

TEST_CASE("ipvs: a persistence engine of somebody else is seen and taken away") {
  if (!load_kernel_module("ip_vs_pe_sip")) {
    MESSAGE("this kernel has no ip_vs_pe_sip");
    return;
  }
  IpvsServiceConfig sip = persistent(60, 32);
  sip.persistence_engine = "sip";
  walk_through(udp("172.16.0.30", 5060), {persistent(60, 32), sip, persistent(60, 32)});
}

TEST_CASE("ipvs: creating what exists edits it") {
  Kernel kernel;
  KernelState want;
  want.ipvs_services[tcp("172.16.0.30")] = scheduled_by("rr");
  kernel.converge(want);
  const auto status = kernel.change<IpvsServiceKey, IpvsServiceConfig>(
      tcp("172.16.0.30"), std::nullopt, persistent(60, 24));
  CHECK(status.has_value());
  CHECK(kernel.observe().ipvs_services.at(tcp("172.16.0.30")) == persistent(60, 24));
}

TEST_CASE("ipvs: editing what is gone creates it, with the real servers that follow") {
  Kernel kernel;
  const IpvsServiceKey service = tcp("172.16.0.30");
  const RealServerKey server{service, ip("172.16.0.31"), 80};
  const auto outcomes = kernel.apply(
      {IpvsServiceChange{service, scheduled_by("rr"), scheduled_by("wlc")},
       RealServerChange{server, std::nullopt, RealServerConfig{}},
       RealServerChange{{service, ip("172.16.0.32"), 80}, RealServerConfig{}, RealServerConfig{}}});
  for (const Status& outcome : outcomes) CHECK(outcome.has_value());
  const KernelState state = kernel.observe();
  CHECK(state.ipvs_services.at(service) == scheduled_by("wlc"));
  CHECK(state.ipvs_servers.size() == 2);
}

TEST_CASE("ipvs: deleting what is gone succeeds") {
  Kernel kernel;
  const IpvsServiceKey service = tcp("172.16.0.30");
  const RealServerKey server{service, ip("172.16.0.31"), 80};
  for (const Status& outcome :
       kernel.apply({RealServerChange{server, RealServerConfig{}, std::nullopt},
                     IpvsServiceChange{service, scheduled_by("rr"), std::nullopt}}))
    CHECK(outcome.has_value());
}

TEST_CASE("ipvs: a scheduler that does not exist is refused in words, and nothing else is") {
  Kernel kernel;
  const auto outcomes =
      kernel.apply({IpvsServiceChange{tcp("172.16.0.30"), std::nullopt, scheduled_by("nosuch")},
                    IpvsServiceChange{tcp("172.16.0.40"), std::nullopt, scheduled_by("rr")}});
  REQUIRE_FALSE(outcomes[0].has_value());
  CHECK(outcomes[0].error().kind == ErrorKind::kUnavailable);
  CHECK(outcomes[0].error().errno_value == ENOENT);
  CHECK(outcomes[0].error().message ==
        "add service tcp 172.16.0.30:80: scheduler nosuch is not available: load kernel module "
        "ip_vs_nosuch: this kernel has no such module; run `modprobe ip_vs_nosuch` as root");
  CHECK(outcomes[1].has_value());
  CHECK(kernel.observe().ipvs_services.size() == 1);
}

TEST_CASE("ipvs: an IPv6 service with an impossible prefix length is refused by name") {
  Kernel kernel;
  const auto outcome = kernel.change<IpvsServiceKey, IpvsServiceConfig>(
      tcp("2001:db8::30"), std::nullopt, persistent(60, 0));
  REQUIRE_FALSE(outcome.has_value());
  CHECK(outcome.error().kind == ErrorKind::kKernelRefused);
  CHECK(outcome.error().errno_value == EINVAL);
  CHECK(outcome.error().message.starts_with("add service tcp [2001:db8::30]:80: "));
}
