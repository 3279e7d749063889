#include "twobox/commands.h"
#include "twobox/daemons_diff.h"
#include "twobox/log.h"
#include "twobox/pass.h"
#include "twobox/state_directory.h"

namespace twobox {
namespace {

constexpr int kInSync = 0;
constexpr int kFailed = 1;
constexpr int kDiffers = 2;

int complain_and_fail(const Error& error) {
  complain(error.message);
  return kFailed;
}

}  // namespace

int run_diff(const DiffOptions& options) {
  // The daemon knows its document, and asking it needs no root.
  if (options.file.empty())
    return ask_and_print_diff(options.api, {"/v1/diff", std::nullopt, {}}, options.format);
  const auto target = find_target(options);
  if (!target) return kFailed;
  const auto ownership = OwnershipFile::open(options.state_directory);
  if (!ownership) return complain_and_fail(ownership.error());
  const auto observed = target->kernel->observe(scope_of(target->desired, ownership->record()));
  if (!observed) return complain_and_fail(observed.error());

  const DiffReport report{target->node, make_plan(target->desired, *observed, ownership->record()),
                          observed->nft_rule_handles};
  print_diff(report, options.format);
  return report.plan.in_sync() ? kInSync : kDiffers;
}

}  // namespace twobox
