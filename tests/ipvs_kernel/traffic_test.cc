#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <sys/socket.h>

#include <chrono>
#include <thread>

#include "backends/file_descriptor.h"
#include "tests/ipvs_kernel/support.h"

using namespace twobox;
using namespace twobox::ipvs_kernel;

namespace {

constexpr char kVip[] = "192.0.2.10";
constexpr char kServer[] = "192.0.2.11";
constexpr int kPackets = 3;
constexpr char kWord[] = "hello";

/// Both addresses on lo, for as long as it lives.
struct Addresses {
  Addresses() {
    run("ip link set lo up");
    for (const char* address : {kVip, kServer})
      run(std::string("ip address replace ") + address + "/32 dev lo");
  }
  Addresses(const Addresses&) = delete;
  Addresses& operator=(const Addresses&) = delete;
  ~Addresses() {
    for (const char* address : {kVip, kServer})
      run(std::string("ip address delete ") + address + "/32 dev lo");
  }
};

void send_packets() {
  const FileDescriptor fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(53);
  REQUIRE(::inet_pton(AF_INET, kVip, &to.sin_addr) == 1);
  for (int i = 0; i < kPackets; ++i)
    ::sendto(fd.get(), kWord, sizeof(kWord), 0, reinterpret_cast<sockaddr*>(&to), sizeof(to));
}

/// The kernel sums its counters up every two seconds.
Traffic once_counted(IpvsBackend& backend, const IpvsServiceKey& service) {
  for (int attempt = 0;; ++attempt) {
    const auto traffic = backend.observe_traffic();
    REQUIRE(traffic.has_value());
    if (traffic->services.at(service).packets_in >= kPackets || attempt == 40) return *traffic;
    std::this_thread::sleep_for(std::chrono::milliseconds(250));
  }
}

}  // namespace

TEST_CASE("traffic: what went to a service is counted for it and for its real server") {
  const Addresses addresses;
  Kernel kernel;
  KernelState want;
  const RealServerKey server{udp(kVip, 53), ip(kServer), 53};
  want.ipvs_services[server.service] = scheduled_by("rr");
  want.ipvs_services[mark6(7)] = scheduled_by("wlc");
  want.ipvs_servers[server] = {Forwarding::kMasquerade, 1, 0, 0, {}};
  kernel.converge(want);
  send_packets();

  auto backend = IpvsBackend::open();
  REQUIRE(backend.has_value());
  const Traffic traffic = once_counted(*backend, server.service);
  const IpvsCounters& counted = traffic.services.at(server.service);
  CHECK(counted.connections == 1);  // one socket, so one connection
  CHECK(counted.packets_in == kPackets);
  CHECK(counted.bytes_in == kPackets * (20 + 8 + sizeof(kWord)));
  CHECK(traffic.servers.at(server).counters.packets_in == kPackets);
  CHECK(traffic.servers.at(server).active_connections +
            traffic.servers.at(server).inactive_connections ==
        1);
  CHECK(traffic.services.at(mark6(7)) == IpvsCounters{});
}

TEST_CASE("traffic: none without services") {
  Kernel kernel;
  auto backend = IpvsBackend::open();
  REQUIRE(backend.has_value());
  const auto traffic = backend->observe_traffic();
  REQUIRE(traffic.has_value());
  CHECK(*traffic == Traffic{});
}
