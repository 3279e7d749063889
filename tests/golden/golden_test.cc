// Each folder of tests/golden/cases: `before.json` (the document the kernel holds; absent: an empty
// kernel), `document.json`, `node`, and `plan.txt`, which is what `twobox diff` must say.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "reconciler/report.h"
#include "reconciler/roles.h"
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

DesiredState desired_by(const fs::path& file, const NodeName& node) {
  const auto document = read_document(read(file));
  REQUIRE_MESSAGE(std::holds_alternative<ValidDocument>(document), file.string());
  const auto& valid = std::get<ValidDocument>(document);
  return resolve(valid, node, roles_of(decide_roles(*valid, node, {})));
}

std::string plan_of(const fs::path& folder) {
  std::string node = read(folder / "node");
  node.erase(node.find_last_not_of('\n') + 1);
  FakeKernel kernel;
  kernel.state.kernel.sysctls[SysctlKey{"net.ipv4.ip_forward"}] = {"0"};
  MemoryOwnership ownership;
  Refusals refusals;
  if (fs::exists(folder / "before.json")) {
    const auto before = reconcile_once(desired_by(folder / "before.json", node), kernel, ownership,
                                       refusals, SteadyTime{});
    REQUIRE(before.has_value());
    REQUIRE(before->remaining.in_sync());
  }
  const DesiredState wanted = desired_by(folder / "document.json", node);
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
