// Hearing of changes that others make to IPVS.
#include <doctest/doctest.h>
#include <poll.h>

#include <fstream>
#include <iterator>

#include "backends/events/ipvs_changes.h"
#include "tests/ipvs_kernel/support.h"

using namespace twobox;
using namespace twobox::ipvs_kernel;

namespace {

IpvsWatch opened() {
  auto watch = IpvsWatch::open();
  REQUIRE_MESSAGE(watch.has_value(), watch.error().message);
  return *std::move(watch);
}

bool is_readable(const IpvsWatch& watch) {
  pollfd waiting{watch.fd(), POLLIN, 0};
  return ::poll(&waiting, 1, 0) == 1;
}

std::uint64_t fingerprint() {
  std::ifstream file("/proc/net/ip_vs");
  return ipvs_fingerprint(std::string(std::istreambuf_iterator<char>(file), {}));
}

}  // namespace

TEST_CASE("each change by another program is heard at once, and nothing else") {
  Kernel kernel;
  IpvsWatch watch = opened();
  CHECK_FALSE(is_readable(watch));
  CHECK_FALSE(watch.drain());
  for (const char* const command :
       {"ipvsadm -A -t 192.0.2.1:80 -s rr", "ipvsadm -a -t 192.0.2.1:80 -r 192.0.2.11:80 -g",
        "ipvsadm -e -t 192.0.2.1:80 -r 192.0.2.11:80 -g -w 2", "ipvsadm --set 900 120 300",
        "ipvsadm -d -t 192.0.2.1:80 -r 192.0.2.11:80", "ipvsadm -C"}) {
    CAPTURE(command);
    run(command);
    CHECK(is_readable(watch));
    CHECK(watch.drain());
    CHECK_FALSE(is_readable(watch));
    CHECK_FALSE(watch.drain());
  }
  run("ipvsadm -Ln >/dev/null");
  CHECK_FALSE(watch.drain());
}

TEST_CASE("own changes are not heard") {
  Kernel kernel;
  IpvsWatch watch = opened();
  REQUIRE(kernel.change(tcp("192.0.2.1"), {}, std::optional(scheduled_by("rr"))));
  CHECK_FALSE(watch.drain());
  run("ipvsadm -C");
  CHECK(watch.drain());
}

TEST_CASE("of a storm of changes something is heard, and the ring is empty afterwards") {
  Kernel kernel;
  IpvsWatch watch = opened();
  // More than a ring holds.
  run("for i in $(seq 1 600); do echo \"-A -t 192.0.2.1:$i -s rr\"; done | ipvsadm -R");
  CHECK(watch.drain());
  CHECK_FALSE(watch.drain());
  run("ipvsadm -C");
  CHECK(watch.drain());
}

TEST_CASE("the fingerprint of the table follows changes") {
  Kernel kernel;
  const std::uint64_t empty = fingerprint();
  CHECK(fingerprint() == empty);
  run("ipvsadm -A -t 192.0.2.1:80 -s rr");
  const std::uint64_t service = fingerprint();
  CHECK(service != empty);
  run("ipvsadm -a -t 192.0.2.1:80 -r 192.0.2.11:80 -g");
  const std::uint64_t server = fingerprint();
  CHECK(server != service);
  run("ipvsadm -e -t 192.0.2.1:80 -r 192.0.2.11:80 -g -w 2");
  CHECK(fingerprint() != server);
  run("ipvsadm -C");
  CHECK(fingerprint() == empty);
}
