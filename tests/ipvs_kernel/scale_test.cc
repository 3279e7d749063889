#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>

#include "tests/ipvs_kernel/support.h"

using namespace twobox;
using namespace twobox::ipvs_kernel;

namespace {

std::uint16_t port(unsigned number) {
  return static_cast<std::uint16_t>(number);
}

KernelState services_with_servers(unsigned services, unsigned servers) {
  KernelState state;
  for (unsigned i = 0; i < services; ++i) {
    const IpvsServiceKey service = tcp("172.16.0.30", port(1000 + i));
    state.ipvs_services[service] = scheduled_by("wlc");
    for (unsigned j = 0; j < servers; ++j)
      state.ipvs_servers[{service, ip("172.16.1." + std::to_string(j + 1)), port(80 + j)}] = {};
  }
  return state;
}

class Stopwatch {
 public:
  long milliseconds() const {
    const auto passed = std::chrono::steady_clock::now() - start_;
    return std::chrono::duration_cast<std::chrono::milliseconds>(passed).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace

TEST_CASE("ipvs: 1,000 services with 10 real servers each") {
  Kernel kernel;
  KernelState want = services_with_servers(1000, 10);
  const std::vector<Change> all = changes(want, kernel.observe());
  const Stopwatch applying;
  for (const Status& outcome : kernel.apply(all)) REQUIRE(outcome.has_value());
  MESSAGE("applied 11,000 objects in ms: ", applying.milliseconds());
  const Stopwatch reading;
  const KernelState now = kernel.observe();
  MESSAGE("read them in ms: ", reading.milliseconds());
  CHECK(now.ipvs_services == want.ipvs_services);
  CHECK(now.ipvs_servers == want.ipvs_servers);

  for (auto& [key, server] : want.ipvs_servers) server.weight = 3;
  kernel.converge(want);
  kernel.converge({});
}

TEST_CASE("ipvs: a service with 2,000 real servers is read whole") {
  Kernel kernel;
  KernelState want;
  const IpvsServiceKey service = tcp("2001:db8::30");
  want.ipvs_services[service] = scheduled_by("rr");
  for (unsigned i = 1; i <= 2000; ++i)
    want.ipvs_servers[{service, ip("2001:db8::31"), port(i)}] = {};
  kernel.converge(want);
  kernel.converge({});
}

TEST_CASE("ipvs: real servers are deleted whether their service goes before or after") {
  Kernel kernel;
  const KernelState have = services_with_servers(20, 5);
  kernel.converge(have);
  std::vector<Change> removal;
  for (const auto& [key, config] : have.ipvs_servers)
    removal.emplace_back(RealServerChange{key, config, std::nullopt});
  for (const auto& [key, config] : have.ipvs_services)
    removal.emplace_back(IpvsServiceChange{key, config, std::nullopt});
  std::reverse(removal.begin() + 30, removal.end());
  for (const Status& outcome : kernel.apply(removal)) CHECK(outcome.has_value());
  kernel.converge({});
}
