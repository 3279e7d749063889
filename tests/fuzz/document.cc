// From a document's text to a kernel that is as it asks.
#include <cstdint>
#include <string>
#include <string_view>

#include "reconciler/expected_plan.h"
#include "reconciler/keepalived_config.h"
#include "reconciler/reconcile.h"
#include "reconciler/report.h"
#include "reconciler/roles.h"
#include "schema/validate.h"
#include "tests/fuzz/require.h"
#include "tests/support/fake_kernel.h"

using namespace twobox;
using twobox::fuzz::require;
using twobox::testing::FakeKernel;
using twobox::testing::MemoryOwnership;

namespace {

void check_faults(const Faults& faults) {
  require(!faults.empty(), "a document without a fault is valid");
  for (const Fault& fault : faults)
    for (const char c : to_string(fault))
      require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, "a fault stays on one line");
}

/// Some role for each VIP; `seed` gives all of them in the end.
Roles some_roles(const Document& document, std::size_t seed) {
  Roles roles;
  for (const auto& [name, vip] : document.vips) {
    roles.emplace(name, static_cast<Role>(seed % 3));
    seed = seed / 3 + name.size();
  }
  return roles;
}

PassReport pass(const DesiredState& wanted, FakeKernel& kernel, MemoryOwnership& ownership) {
  Refusals refusals;
  auto report = reconcile_once(wanted, kernel, ownership, refusals, SteadyTime{});
  require(report.has_value(), "a pass over a willing kernel ends well");
  require(report->remaining.in_sync(), "one pass brings the kernel to what is wanted");
  return *std::move(report);
}

void check_report(const NodeName& node, const PassReport& report) {
  const DiffReport diff{node, report.planned, {}};
  const auto differences = plan_differences(diff_json(diff), diff);
  require(differences && differences->empty(), "a saved plan is the same plan");
  diff_text(diff, Colour::kNone);
}

void reconcile(const ValidDocument& document, std::size_t seed) {
  const NodeName& node = document->nodes.begin()->first;
  FakeKernel kernel;
  MemoryOwnership ownership;
  const DesiredState first = resolve(document, node, some_roles(*document, seed));
  check_report(node, pass(first, kernel, ownership));
  require(pass(first, kernel, ownership).planned.in_sync(), "a second pass has nothing to do");
  // Every change of roles closes its gap, too.
  const DesiredState second = resolve(document, node, some_roles(*document, seed + 1));
  pass(second, kernel, ownership);
  require(pass(second, kernel, ownership).planned.in_sync(), "nor has one after other roles");
  pass(nothing_desired(), kernel, ownership);
  require(kernel.state.kernel.ipvs_services.empty() && kernel.state.kernel.addresses.empty() &&
              kernel.state.kernel.nft_tables.empty(),
          "cleanup leaves nothing");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto read = read_document(text);
  if (const auto* faults = std::get_if<Faults>(&read)) {
    check_faults(*faults);
    return 0;
  }
  const auto& document = std::get<ValidDocument>(read);
  require(std::holds_alternative<Document>(parse_document(text)), "a valid document is readable");
  require(!document->nodes.empty(), "a valid document has a node");
  std::size_t seed = 0;
  for (const char c : text) seed = seed * 31 + static_cast<unsigned char>(c);
  reconcile(document, seed % 1'000'000);
  (void)keepalived_config(*document, document->nodes.begin()->first);
  return 0;
}
