#include "backends/events/ipvs_changes.h"

#include <doctest/doctest.h>

#include <fstream>

#include "tests/support/temporary_directory.h"

using namespace twobox;
using namespace std::chrono_literals;

namespace {

/// As the kernel prints it: connections stand at the end, and may grow beyond their columns.
std::string table(const std::string& weight, const std::string& connections) {
  return "IP Virtual Server version 1.2.1 (size=4096)\n"
         "Prot LocalAddress:Port Scheduler Flags\n"
         "  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n"
         "TCP  AC10001E:0050 rr  \n"
         "  -> AC10001F:0050      Route   " +
         weight + "      " + connections + "\n";
}

}  // namespace

TEST_CASE("the fingerprint of an IPVS table tells changes from traffic") {
  const std::uint64_t quiet = ipvs_fingerprint(table("1", "0          0         "));
  CHECK(ipvs_fingerprint(table("1", "12345678901 99        ")) == quiet);
  CHECK(ipvs_fingerprint(table("10", "0          0         ")) != quiet);
  CHECK(ipvs_fingerprint(table("1", "0          0         ") + "TCP  AC10001E:0051 rr  \n") !=
        quiet);
  CHECK(ipvs_fingerprint("") != quiet);
  // Whatever it is, it ends.
  CHECK(ipvs_fingerprint("  -> \n  ->") != ipvs_fingerprint("  -> 1 1 1\n"));
}

TEST_CASE("without a probe the table is looked at once a second, while ip_vs is loaded") {
  const testing::TemporaryDirectory directory;
  const std::string path = directory.file("ip_vs");
  std::ofstream(path) << table("1", "0          0         ");
  IpvsChanges changes(path);
  const IpvsChanges::Time start{};
  CHECK_FALSE(changes.listen(false, start));
  CHECK_FALSE(changes.next().has_value());
  CHECK_FALSE(changes.changed(start));

  if (changes.listen(true, start)) return;  // this kernel has IPVS, and a probe
  REQUIRE(changes.without_probe().has_value());
  CHECK(changes.fd() == -1);
  CHECK(changes.changed(start));  // between reading and listening, who knows
  CHECK(changes.next() >= start + 1s);
  std::ofstream(path) << table("2", "0          0         ");
  CHECK_FALSE(changes.changed(start + 500ms));
  CHECK(changes.changed(start + 1h));
  CHECK_FALSE(changes.changed(start + 2h));
  std::ofstream(path) << table("2", "7          8         ");
  CHECK_FALSE(changes.changed(start + 3h));

  changes.module_changed();
  CHECK_FALSE(changes.without_probe().has_value());
  CHECK_FALSE(changes.next().has_value());
}
