#include "reconciler/reconcile.h"

#include "reconciler/bypass_table.h"
#include "reconciler/describe.h"

namespace twobox {
namespace {

/// Writes only what differs: a pass that changes nothing touches no file.
Status keep(OwnershipStore& ownership, const OwnershipRecord& record) {
  if (ownership.record() == record) return success();
  return ownership.save(record);
}

/// A master that is refused its address stays a backup to the packets: without address and without
/// bypass it would drop what its peers forward.
DesiredState within_reach(DesiredState desired, const Refusals& refusals) {
  for (const auto& [address, endpoint] : desired.directed)
    if (refusals.entries().contains(object_name(AddressChange{address, {}, {}})))
      add_redirect(desired.kernel, endpoint, desired.redirect_of);
  return desired;
}

}  // namespace

Result<PassReport> reconcile_once(const DesiredState& wish, Backend& backend,
                                  OwnershipStore& ownership, Refusals& refusals, SteadyTime now) {
  const DesiredState desired = within_reach(wish, refusals);
  const auto before = backend.observe(scope_of(desired, ownership.record()));
  if (!before) return with_context(before.error(), "observe");

  PassReport report;
  report.planned = make_plan(desired, *before, ownership.record());
  report.handles = before->nft_rule_handles;
  report.vrrp = judge_vrrp(desired, *before);

  // Written before anything is changed: whatever is made from here on is known to be ours, even if
  // this process dies in the middle.
  const OwnershipRecord claimed = claim(ownership.record(), desired, *before);
  if (const Status kept = keep(ownership, claimed); !kept)
    return with_context(kept.error(), "nothing was changed: record of ownership");
  if (report.planned.in_sync()) {
    refusals.note({}, report.planned, now);
    return report;
  }

  report.applied = apply_plan(report.planned, desired, backend, report.handles,
                              [&](const Change& change) { return refusals.may_try(change, now); });

  const auto after = backend.observe(scope_of(desired, ownership.record()));
  if (!after) return with_context(after.error(), "observe after apply");
  report.remaining = make_plan(desired, *after, ownership.record());
  refusals.note(report.applied.outcomes, report.remaining, now);
  if (const Status kept = keep(ownership, claim(ownership.record(), desired, *after)); !kept)
    return with_context(kept.error(), "record of ownership after apply");
  return report;
}

}  // namespace twobox
