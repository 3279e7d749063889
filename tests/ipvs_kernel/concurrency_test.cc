// Another program changes IPVS while we read it.
#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "tests/ipvs_kernel/support.h"

using namespace twobox;
using namespace twobox::ipvs_kernel;

namespace {

/// Does something over and over in a thread until it goes out of scope.
class Meanwhile {
 public:
  template <typename Work>
  explicit Meanwhile(Work work)
      : thread_([this, work = std::move(work)]() mutable {
          while (!done_) work();
        }) {}
  ~Meanwhile() {
    done_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> done_ = false;
  std::thread thread_;
};

IpvsBackend opened() {
  auto backend = IpvsBackend::open();
  REQUIRE(backend.has_value());
  return *std::move(backend);
}

std::vector<Change> of_service(const IpvsServiceKey& key, bool create) {
  const std::optional<IpvsServiceConfig> config = scheduled_by("rr");
  return {IpvsServiceChange{key, create ? std::nullopt : config, create ? config : std::nullopt}};
}

/// Reads 40 times and checks that what nobody touches is there each time the reading succeeds.
void check_stable_part(const KernelState& stable) {
  IpvsBackend backend = opened();
  int succeeded = 0;
  for (int i = 0; i < 40; ++i) {
    KernelState state;
    bool loaded = false;
    const Status read = backend.observe(state, loaded);
    if (!read) {
      CHECK(read.error().kind == ErrorKind::kTornDump);
      CHECK(state == KernelState{});
      continue;
    }
    ++succeeded;
    for (const auto& [key, config] : stable.ipvs_services)
      REQUIRE(state.ipvs_services.contains(key));
    for (const auto& [key, config] : stable.ipvs_servers) REQUIRE(state.ipvs_servers.contains(key));
  }
  MESSAGE("complete readings of 40: ", succeeded);
}

}  // namespace

TEST_CASE("ipvs: a reading is complete or refused while services come and go") {
  Kernel kernel;
  KernelState stable;
  for (std::uint16_t port = 1; port <= 400; ++port)
    stable.ipvs_services[tcp("172.16.0.30", port)] = scheduled_by("rr");
  kernel.converge(stable);

  const Meanwhile others([backend = opened(), turn = 0U]() mutable {
    const IpvsServiceKey key = tcp("172.16.0.30", static_cast<std::uint16_t>(1000 + turn++ % 97));
    static_cast<void>(backend.apply(of_service(key, true)));
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    static_cast<void>(backend.apply(of_service(key, false)));
  });
  check_stable_part(stable);
}

TEST_CASE("ipvs: a reading is complete or refused while real servers come and go") {
  Kernel kernel;
  const IpvsServiceKey service = tcp("172.16.0.30");
  KernelState stable;
  stable.ipvs_services[service] = scheduled_by("rr");
  for (std::uint16_t port = 1; port <= 400; ++port)
    stable.ipvs_servers[{service, ip("172.16.0.31"), port}] = {};
  kernel.converge(stable);

  const Meanwhile others([backend = opened(), service, turn = 0U]() mutable {
    const RealServerKey key{service, ip("172.16.0.32"),
                            static_cast<std::uint16_t>(1000 + turn++ % 97)};
    const Change creation = RealServerChange{key, std::nullopt, RealServerConfig{}};
    const Change removal = RealServerChange{key, RealServerConfig{}, std::nullopt};
    static_cast<void>(backend.apply(std::span(&creation, 1)));
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    static_cast<void>(backend.apply(std::span(&removal, 1)));
  });
  check_stable_part(stable);
}

TEST_CASE("some services read apart are as when everything is read") {
  Kernel kernel;
  for (int i = 1; i <= 3; ++i)
    run("ipvsadm -A -t 192.0.2.1:" + std::to_string(i) +
        " -s rr; ipvsadm -a -t 192.0.2.1:" + std::to_string(i) + " -r 192.0.2.11:80 -g");
  run("ipvsadm -A -f 7 -s rr; ipvsadm -a -f 7 -r 192.0.2.11 -g");
  IpvsBackend backend = opened();
  KernelState state;
  bool loaded = false;
  REQUIRE(backend.observe(state, loaded));

  run("ipvsadm -E -t 192.0.2.1:1 -s wlc; ipvsadm -e -t 192.0.2.1:1 -r 192.0.2.11:80 -g -w 5");
  run("ipvsadm -D -t 192.0.2.1:2");
  run("ipvsadm -A -t 192.0.2.1:4 -s rr; ipvsadm -a -t 192.0.2.1:4 -r 192.0.2.12:80 -g");
  run("ipvsadm -a -f 7 -r 192.0.2.12 -g; ipvsadm -d -f 7 -r 192.0.2.11");
  const std::set<IpvsServiceKey> changed = {tcp("192.0.2.1", 1), tcp("192.0.2.1", 2),
                                            tcp("192.0.2.1", 4), mark4(7)};
  REQUIRE(backend.observe_services(changed, state, loaded));
  CHECK(loaded);
  CHECK(state == kernel.observe());
}
