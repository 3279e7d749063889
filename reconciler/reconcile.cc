#include "reconciler/reconcile.h"

#include <utility>

#include "reconciler/bypass_table.h"
#include "reconciler/describe.h"
#include "reconciler/sync_daemon.h"

namespace twobox {
namespace {

/// Writes only what differs: a pass that changes nothing touches no file. Error: kNotRecorded.
Status keep(OwnershipStore& ownership, const OwnershipRecord& record) {
  if (ownership.record() == record) return success();
  const Status saved = ownership.save(record);
  if (saved) return saved;
  return Error{ErrorKind::kNotRecorded, saved.error().errno_value, saved.error().message};
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

/// Large, so they are compared only when they were read again, and copied never.
struct IpvsTables {
  std::map<IpvsServiceKey, IpvsServiceConfig> services;
  std::map<RealServerKey, RealServerConfig> servers;
  friend bool operator==(const IpvsTables&, const IpvsTables&) = default;
};
IpvsTables exchange_tables(ObservedState& state, IpvsTables tables) {
  return {std::exchange(state.kernel.ipvs_services, std::move(tables.services)),
          std::exchange(state.kernel.ipvs_servers, std::move(tables.servers))};
}

/// Reads what is stale of what is known, and says whether nothing is other than it was.
Result<bool> look_again(Backend& backend, Sighting& seen) {
  ObservedState last = *std::exchange(seen.state, std::nullopt);
  IpvsTables tables = exchange_tables(last, {});
  const ObservedState before = last;
  const Parts read = std::exchange(seen.stale, {});
  if (!read.ipvs) tables = exchange_tables(last, std::move(tables));
  auto state = backend.observe_again(std::move(last), seen.scope, read);
  if (!state) return state.error();

  IpvsTables tables_now = exchange_tables(*state, {});
  const bool same_tables = read.ipvs ? tables_now == tables : read.ipvs_services.empty();
  const bool same = same_tables && *state == before;
  exchange_tables(*state, std::move(tables_now));
  seen.state = *std::move(state);
  return same;
}

/// Brings `seen` up to date. After a failure nothing is known.
Status look(Backend& backend, const Scope& scope, Sighting& seen) {
  if (seen.state && seen.scope == scope) {
    const auto same = look_again(backend, seen);
    if (!same || !*same) seen.settled.reset();
    return same ? success() : Status(same.error());
  }
  seen = {};
  auto state = backend.observe(scope);
  if (!state) return state.error();
  seen = {*std::move(state), scope, {}, std::nullopt};
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
  if (seen.settled) return *seen.settled;

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
  // What was wanted only until a refused address is there may go now: there is more to do.
  const auto left = [&](const OwnershipRecord& record) {
    return make_plan(reduced ? within_reach(desired, refusals) : desired, *seen.state, record);
  };
  if (report.planned.in_sync()) {
    refusals.note({}, report.planned, now);
    if (reduced) report.remaining = left(ownership.record());
    if (refusals.entries().empty() && report.remaining.in_sync()) seen.settled = report;
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
  if (reduced) report.remaining = left(made);
  if (const Status kept = keep(ownership, claim(made, wanted, *seen.state)); !kept)
    return with_context(kept.error(), "record of ownership after apply");
  return report;
}

}  // namespace twobox
