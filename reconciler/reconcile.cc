#include "reconciler/reconcile.h"

#include <utility>

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

/// Reads what is stale. After a failure nothing is known.
Status look(Backend& backend, const Scope& scope, Sighting& seen) {
  auto state =
      seen.state && seen.scope == scope
          ? backend.observe_again(*std::exchange(seen.state, std::nullopt), scope, seen.stale)
          : backend.observe(scope);
  seen.state.reset();
  if (!state) return state.error();
  seen = {*std::move(state), scope, {}};
  return success();
}

/// More services than this are read sooner by reading all.
constexpr std::size_t kServicesReadApart = 64;

/// What these changes concern. A sysctl of IPVS may have loaded it.
Parts parts_of(const Plan& plan, bool ipvs_loaded) {
  Parts parts;
  for (const Step& step : plan.steps) {
    const Subsystem subsystem = subsystem_of(step.change);
    parts.nftables = parts.nftables || subsystem == Subsystem::kNftables;
    parts.ipvs = parts.ipvs || (subsystem == Subsystem::kSysctl && !ipvs_loaded);
    if (subsystem != Subsystem::kIpvs) continue;
    if (const auto* const service = std::get_if<IpvsServiceChange>(&step.change))
      parts.ipvs_services.insert(service->key);
    else if (const auto* const server = std::get_if<RealServerChange>(&step.change))
      parts.ipvs_services.insert(server->key.service);
    else
      parts.ipvs = true;
  }
  parts.ipvs = parts.ipvs || parts.ipvs_services.size() > kServicesReadApart;
  return parts;
}

}  // namespace

Result<PassReport> reconcile_once(const DesiredState& desired, Backend& backend,
                                  OwnershipStore& ownership, Refusals& refusals, SteadyTime now) {
  Sighting nothing;
  return reconcile_once(desired, backend, ownership, refusals, now, nothing);
}

Result<PassReport> reconcile_once(const DesiredState& desired, Backend& backend,
                                  OwnershipStore& ownership, Refusals& refusals, SteadyTime now,
                                  Sighting& seen, const PlanLeave& leave) {
  std::optional<DesiredState> reduced;
  if (!refusals.entries().empty()) reduced = within_reach(desired, refusals);
  const DesiredState& wanted = reduced ? *reduced : desired;
  if (const Status read = look(backend, scope_of(wanted, ownership.record()), seen); !read)
    return with_context(read.error(), "observe");

  PassReport report;
  report.planned = make_plan(wanted, *seen.state, ownership.record());
  report.handles = seen.state->nft_rule_handles;
  report.vrrp = judge_vrrp(wanted, *seen.state);
  report.draining = draining_servers(wanted, *seen.state);
  if (leave)
    if (const Status given = leave(report.planned); !given) return given.error();

  // Written before anything is changed: whatever is made from here on is known to be ours, even if
  // this process dies in the middle.
  const OwnershipRecord claimed = claim(ownership.record(), wanted, *seen.state);
  if (const Status kept = keep(ownership, claimed); !kept)
    return with_context(kept.error(), "nothing was changed: record of ownership");
  if (report.planned.in_sync()) {
    refusals.note({}, report.planned, now);
    return report;
  }

  report.applied = apply_plan(report.planned, wanted, backend, report.handles,
                              [&](const Change& change) { return refusals.may_try(change, now); });

  const OwnershipRecord made =
      with_started_daemons(ownership.record(), report.applied, seen.state->links);
  seen.stale = parts_of(report.planned, seen.state->ipvs_loaded);
  if (const Status read = look(backend, scope_of(wanted, ownership.record()), seen); !read)
    return with_context(read.error(), "observe after apply");
  report.remaining = make_plan(wanted, *seen.state, made);
  report.draining = draining_servers(wanted, *seen.state);
  refusals.note(report.applied.outcomes, report.remaining, now);
  if (const Status kept = keep(ownership, claim(made, wanted, *seen.state)); !kept)
    return with_context(kept.error(), "record of ownership after apply");
  return report;
}

}  // namespace twobox
