// Each folder of tests/golden/cases: `before.json` (the document the kernel holds; absent: an empty
// kernel), `document.json`, `node`, and `plan.txt`, which is what `twobox diff` must say. Where
// servers are checked, `health.json` has verdicts: {"172.16.0.31:80": "up"}; one that it does not
// name has none yet. Absent: nobody checks.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "reconciler/report.h"
#include "reconciler/roles.h"
#include "reconciler/server_status.h"
#include "tests/support/fake_kernel.h"

using namespace twobox;
using twobox::testing::FakeKernel;
using twobox::testing::MemoryOwnership;
namespace fs = std::filesystem;

namespace {

std::string read(const fs::path& path) {
  std::ifstream file(path);
  REQUIRE_MESSAGE(file.good(), path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The verdicts of a file, for each service that has such a server.
HealthMap health_by(const fs::path& file, const DesiredState& all_well) {
  const auto verdicts = nlohmann::json::parse(read(file));
  HealthMap health;
  for (const auto& [server, config] : all_well.kernel.ipvs_servers) {
    const std::string verdict = verdicts.value(server_text(server), "");
    if (verdict == "up") health[server].health = Health::kUp;
    if (verdict == "down") health[server].health = Health::kDown;
    health[server].cause = "says the test";
  }
  return health;
}

DesiredState desired_by(const fs::path& file, const NodeName& node, const FakeKernel& kernel,
                        const fs::path& health_file = {}) {
  const auto document = read_document(read(file));
  REQUIRE_MESSAGE(std::holds_alternative<ValidDocument>(document), file.string());
  const auto& valid = std::get<ValidDocument>(document);
  const RoleEvidence evidence{kernel.state.kernel.addresses, {}, {}};
  const Roles roles = roles_of(decide_roles(*valid, node, evidence));
  const DesiredState all_well = resolve(valid, node, roles);
  if (!fs::exists(health_file)) return all_well;
  const HealthMap health = health_by(health_file, all_well);
  return resolve(valid, node, roles, {&health, {}, nullptr, {}});
}

std::string plan_of(const fs::path& folder) {
  std::string node = read(folder / "node");
  node.erase(node.find_last_not_of('\n') + 1);
  FakeKernel kernel;
  for (const char* name :
       {"net.ipv4.ip_forward", "net.ipv4.vs.backup_only", "net.ipv4.vs.expire_nodest_conn",
        "net.ipv4.conf.enp0s3.arp_ignore", "net.ipv4.conf.enp0s3.arp_announce"})
    kernel.state.kernel.sysctls[SysctlKey{name}] = {"0"};
  MemoryOwnership ownership;
  Refusals refusals;
  if (fs::exists(folder / "before.json")) {
    const auto before = reconcile_once(desired_by(folder / "before.json", node, kernel), kernel,
                                       ownership, refusals, SteadyTime{});
    REQUIRE(before.has_value());
    REQUIRE(before->remaining.in_sync());
  }
  const DesiredState wanted =
      desired_by(folder / "document.json", node, kernel, folder / "health.json");
  const auto observed = kernel.observe(scope_of(wanted, ownership.record()));
  REQUIRE(observed.has_value());
  return diff_text({node, make_plan(wanted, *observed, ownership.record()), {}}, Colour::kNone);
}

}  // namespace

TEST_CASE("every golden case gives exactly the recorded plan") {
  std::size_t cases = 0;
  for (const auto& entry : fs::directory_iterator(TWOBOX_TESTS_DIR "/golden/cases")) {
    const fs::path& folder = entry.path();
    CAPTURE(folder.string());
    const std::string got = plan_of(folder);
    INFO("planned:\n", got);
    CHECK(got == read(folder / "plan.txt"));  // not REQUIRE: go on to the next case
    ++cases;
  }
  REQUIRE(cases > 0);  // an empty folder is a broken test, not a pass
}
