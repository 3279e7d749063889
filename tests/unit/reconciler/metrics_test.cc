#include "reconciler/metrics.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <fstream>
#include <sstream>

using namespace twobox;
using namespace std::chrono_literals;

namespace {

StatusReport full() {
  StatusReport report;
  report.node = "a";
  report.generation = 3;
  report.observed_generation = 2;
  report.vips["web"] = {Role::kMaster, "document", {}};
  report.vips["odd \"name\"\\"] = {Role::kFault, "document", {}};
  report.conditions["Converged"] = {false, "Differs", "1 difference left", {}};
  report.conditions["DocumentValid"] = {true, "Accepted", "", {}};
  report.conditions["LoopFree"] = {false, "Loop", "", {}};
  report.missing = {"sysctl net.x", "sysctl net.y", "address lo 192.0.2.1/32"};
  report.last_sync = WallTime{1'767'323'045'250ms};
  Totals& totals = report.totals;
  totals.passes_noop = 5;
  totals.passes_success = 3;
  totals.passes_error = 1;
  totals.passes_by_duration[0] = 6;
  totals.passes_by_duration[4] = 2;
  totals.passes_by_duration.back() = 1;
  totals.passes_duration = 2'500ms;
  totals.changes[{"address", "create", Cause::kDocument}] = 4;
  totals.changes[{"address", "create", Cause::kDrift}] = 1;
  totals.changes[{"nft_element", "delete", Cause::kRole}] = 2;
  totals.netlink_overruns = 7;
  totals.state_file_errors = 8;
  totals.loop_packets = 9;
  const Endpoint tcp{*IpAddress::parse("172.16.0.30"), Protocol::kTcp, 80};
  const FirewallMark mark{AddressFamily::kIpv4, 0xab};
  report.services = std::make_shared<const std::map<IpvsServiceKey, VipName>>(
      std::map<IpvsServiceKey, VipName>{{tcp, "web"}, {mark, "mail"}});
  const IpAddress machine = *IpAddress::parse("172.16.0.31");
  ServerHealth up;
  up.health = Health::kUp;
  ServerHealth down;
  down.health = Health::kDown;
  down.transitions = 5;
  report.servers = std::make_shared<const std::vector<ServerStatus>>(std::vector<ServerStatus>{
      {"web", {tcp, machine, 80}, up, DrainStatus{}},
      {"web", {tcp, *IpAddress::parse("172.16.0.32"), 80}, down},
      {"mail", {mark, machine, 25}, ServerHealth{}},
      {"mail", {mark, *IpAddress::parse("172.16.0.40"), 25}, {}, {}, true}});
  return report;
}

std::string expected(const std::string& name) {
  std::ifstream file(std::string(TWOBOX_TESTS_DIR) + "/golden/metrics/" + name);
  REQUIRE(file.is_open());
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("metrics of a daemon at work, to the letter") {
  CHECK(metrics_text(full(), "1.2.3") == expected("full.txt"));
}

TEST_CASE("metrics of a daemon that knows nothing yet, to the letter") {
  CHECK(metrics_text(StatusReport{}, "1.2.3") == expected("empty.txt"));
}
