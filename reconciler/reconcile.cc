#include "reconciler/reconcile.h"

#include "reconciler/bypass_table.h"
#include "reconciler/describe.h"
#include "reconciler/sync_daemon.h"

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

/// `links` are those from before the daemons were started: if one has changed meanwhile, the next
/// pass sees it.
OwnershipRecord with_started_daemons(OwnershipRecord record, const ApplyReport& applied,
                                     const std::map<InterfaceName, Link>& links) {
  for (const StepOutcome& outcome : applied.outcomes) {
    const auto* const daemon = std::get_if<SyncDaemonChange>(&outcome.step.change);
    if (daemon != nullptr && daemon->after && !outcome.error)
      record.ipvs_daemons[daemon->key] = {interface_index(links, daemon->after->interface)};
  }
  return record;
}

}  // namespace

Result<PassReport> reconcile_once(const DesiredState& desired, Backend& backend,
                                  OwnershipStore& ownership, Refusals& refusals, SteadyTime now) {
  std::optional<DesiredState> reduced;
  if (!refusals.entries().empty()) reduced = within_reach(desired, refusals);
  const DesiredState& wanted = reduced ? *reduced : desired;
  const auto before = backend.observe(scope_of(wanted, ownership.record()));
  if (!before) return with_context(before.error(), "observe");

  PassReport report;
  report.planned = make_plan(wanted, *before, ownership.record());
  report.handles = before->nft_rule_handles;
  report.vrrp = judge_vrrp(wanted, *before);
  report.draining = draining_servers(wanted, *before);

  // Written before anything is changed: whatever is made from here on is known to be ours, even if
  // this process dies in the middle.
  const OwnershipRecord claimed = claim(ownership.record(), wanted, *before);
  if (const Status kept = keep(ownership, claimed); !kept)
    return with_context(kept.error(), "nothing was changed: record of ownership");
  if (report.planned.in_sync()) {
    refusals.note({}, report.planned, now);
    return report;
  }

  report.applied = apply_plan(report.planned, wanted, backend, report.handles,
                              [&](const Change& change) { return refusals.may_try(change, now); });

  const auto after = backend.observe(scope_of(wanted, ownership.record()));
  if (!after) return with_context(after.error(), "observe after apply");
  const OwnershipRecord made =
      with_started_daemons(ownership.record(), report.applied, before->links);
  report.remaining = make_plan(wanted, *after, made);
  report.draining = draining_servers(wanted, *after);
  refusals.note(report.applied.outcomes, report.remaining, now);
  if (const Status kept = keep(ownership, claim(made, wanted, *after)); !kept)
    return with_context(kept.error(), "record of ownership after apply");
  return report;
}

}  // namespace twobox
