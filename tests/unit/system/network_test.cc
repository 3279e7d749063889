#include "backends/system/network.h"

#include <sys/utsname.h>

#include "backends/modules.h"
#include "tests/unit/system/root.h"

using namespace twobox;
using namespace twobox::testing;

namespace {

constexpr const char* kHeader =
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";

std::string way_out(const std::string& table) {
  const Root root;
  root.write("/proc/net/route", kHeader + table);
  const auto interface = ipv4_default_route(root.str());
  REQUIRE(interface);
  return *interface ? (*interface)->str() : "none";
}

}  // namespace

TEST_CASE("the default route is the one with the least metric") {
  CHECK(way_out("") == "none");
  CHECK(way_out("eth0\t000010AC\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n") == "none");
  CHECK(way_out("eth0\t00000000\t010010AC\t0003\t0\t0\t200\t00000000\t0\t0\t0\n"
                "eth1\t00000000\t010110AC\t0003\t0\t0\t100\t00000000\t0\t0\t0\n") == "eth1");
  // Half of everything is no default, and an unreachable one leads nowhere.
  CHECK(way_out("tun0\t00000000\t00000000\t0001\t0\t0\t0\t00000080\t0\t0\t0\n"
                "*\t00000000\t00000000\t0201\t0\t0\t1\t00000000\t0\t0\t0\n"
                "eth0\t00000000\t010010AC\t0003\t0\t0\t200\t00000000\t0\t0\t0\n") == "eth0");
  CHECK_FALSE(ipv4_default_route("/nowhere"));
}

TEST_CASE("interfaces have their sizes") {
  const auto shapes = interface_shapes();
  REQUIRE(shapes);
  REQUIRE(shapes->contains(loopback()));
  CHECK(shapes->at(loopback()).mtu >= 1280);
  CHECK_FALSE(shapes->at(loopback()).is_tunnel);
}

TEST_CASE("a module that is not loaded and of which there is no list is not known") {
  const Root root;
  const auto unknown = has_kernel_module("ip_vs_no_such_scheduler", root.str());
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().kind == ErrorKind::kUnavailable);
  utsname kernel{};
  REQUIRE(::uname(&kernel) == 0);
  const std::string directory = "/lib/modules/" + std::string(kernel.release);
  CHECK(unknown.error().message == "ip_vs_no_such_scheduler is not loaded, and " + root.str() +
                                       directory + " has no list of modules");
  root.write(directory + "/modules.dep.bin", "");  // lists nothing
  const auto missing = has_kernel_module("ip_vs_no_such_scheduler", root.str());
  REQUIRE(missing);
  CHECK_FALSE(*missing);
}
