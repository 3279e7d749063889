#include <sstream>

#include "backends/kernel.h"
#include "backends/nftables/foreign_bypass.h"
#include "backends/system/services.h"
#include "reconciler/describe.h"
#include "reconciler/import_machine.h"
#include "schema/document_json.h"
#include "twobox/commands.h"
#include "twobox/import_printing.h"
#include "twobox/log.h"
#include "twobox/pass.h"
#include "twobox/state_directory.h"

namespace twobox {
namespace {

constexpr int kWhole = 0;
constexpr int kFailed = 1;
constexpr int kToFillIn = 2;

int complain_and_fail(const Error& error) {
  complain(error.message);
  return kFailed;
}

Result<MachineFacts> read_facts(LiveKernel& kernel) {
  auto state = kernel.observe(import_scope());
  if (!state) return state.error();
  auto bypasses = nftables::read_foreign_bypasses();
  if (!bypasses) return bypasses.error();
  const auto lines = keepalived_lines("");
  if (!lines) return lines.error();
  MachineFacts facts{*std::move(state), *std::move(bypasses), {}};
  for (const ConfigLine& line : *lines) {
    std::istringstream words(line.text);
    for (std::string word; words >> word;) facts.keepalived_words.insert(word);
  }
  return facts;
}

/// Says what apply would do all the same: nothing of it is to come as a surprise.
Status say_what_changes(const ValidDocument& document, const std::string& state_directory) {
  DiffOptions options;
  options.state_directory = state_directory;
  const auto target = target_of({document_json(*document), document}, options);
  if (!target) return Error{ErrorKind::kUnavailable, 0, "what apply would change is not known"};
  const auto ownership = OwnershipFile::open(state_directory);
  if (!ownership) return ownership.error();
  const auto observed = target->kernel->observe(scope_of(target->desired, ownership->record()));
  if (!observed) return observed.error();
  const Plan plan = make_plan(target->desired, *observed, ownership->record());
  for (const Step& step : plan.steps)
    complain("apply will " + std::string(to_string(action_of(step.change))) + " " +
             object_name(step.change));
  return success();
}

}  // namespace

int run_import(const std::string& state_directory) {
  auto kernel = open_kernel();
  if (!kernel) return complain_and_fail(kernel.error());
  const auto facts = read_facts(**kernel);
  if (!facts) return complain_and_fail(facts.error());
  const Machine machine{facts->state.links, facts->state.kernel.addresses};
  const Import import = import_with_macs(
      machine, [&](const MacsByAddress& macs) { return import_machine(*facts, macs); });
  const auto document = print_import(import);
  if (!document) return kToFillIn;
  if (const Status said = say_what_changes(*document, state_directory); !said)
    return complain_and_fail(said.error());
  return kWhole;
}

}  // namespace twobox
