#include "reconciler/reconcile.h"

#include <utility>

#include "reconciler/bypass_table.h"
#include "reconciler/describe.h"
#include "reconciler/diff.h"
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
OwnershipRecord with_started_daemons(OwnershipRecord record, const PassReport& pass,
                                     const std::map<InterfaceName, Link>& links) {
  for (std::size_t i = 0; i < pass.applied.outcomes.size(); ++i) {
    const auto* const daemon = std::get_if<SyncDaemonChange>(&pass.planned.steps[i].change);
    if (daemon != nullptr && daemon->after && !pass.applied.outcomes[i].error)
      record.ipvs_daemons[daemon->key] = {interface_index(links, daemon->after->interface)};
  }
  return record;
}

/// Large, so they are compared only when they were read again, and copied never.
struct IpvsTables {
  std::map<IpvsServiceKey, IpvsServiceConfig> services;
  std::map<RealServerKey, RealServerConfig> servers;
};
IpvsTables exchange_tables(ObservedState& state, IpvsTables tables) {
  return {std::exchange(state.kernel.ipvs_services, std::move(tables.services)),
          std::exchange(state.kernel.ipvs_servers, std::move(tables.servers))};
}

/// More services than this are read, and planned, sooner by taking all.
constexpr std::size_t kServicesApart = 64;

/// Absent: too many to name.
ServicesInQuestion differing_services(const IpvsTables& a, const IpvsTables& b) {
  std::set<IpvsServiceKey> services;
  const auto note = [&](const IpvsServiceKey& service) {
    services.insert(service);
    return services.size() <= kServicesApart;
  };
  for_each_difference(a.services, b.services, [&](const auto* left, const auto* right) {
    return note((left != nullptr ? left : right)->first);
  });
  for_each_difference(a.servers, b.servers, [&](const auto* left, const auto* right) {
    return note((left != nullptr ? left : right)->first.service);
  });
  if (services.size() > kServicesApart) return std::nullopt;
  return services;
}

ServicesInQuestion united(ServicesInQuestion some, const ServicesInQuestion& more) {
  if (!some || !more) return std::nullopt;
  some->insert(more->begin(), more->end());
  return some;
}

/// What a reading has found to be other than it was.
struct News {
  bool none = false;
  ServicesInQuestion services;
};

/// Reads what is stale of what is known.
Result<News> look_again(Backend& backend, Sighting& seen) {
  ObservedState last = *std::exchange(seen.state, std::nullopt);
  IpvsTables tables = exchange_tables(last, {});
  const ObservedState before = last;
  const Parts read = std::exchange(seen.stale, {});
  if (!read.ipvs) tables = exchange_tables(last, std::move(tables));
  auto state = backend.observe_again(std::move(last), seen.scope, read);
  if (!state) return state.error();

  IpvsTables tables_now = exchange_tables(*state, {});
  News news;
  news.services = read.ipvs ? differing_services(tables_now, tables) : read.ipvs_services;
  news.none = news.services && news.services->empty() && *state == before;
  exchange_tables(*state, std::move(tables_now));
  seen.state = *std::move(state);
  return news;
}

/// Brings `seen` up to date. After a failure nothing is known.
Result<News> look(Backend& backend, const Scope& scope, Sighting& seen) {
  if (seen.state && seen.scope == scope) {
    auto news = look_again(backend, seen);
    if (!news || !news->none) seen.settled.reset();
    return news;
  }
  seen = {};
  auto state = backend.observe(scope);
  if (!state) return state.error();
  seen = {*std::move(state), scope, {}, std::nullopt};
  return News{};
}

/// What these changes concern. A sysctl of IPVS may have loaded it.
Parts parts_of(const Plan& plan, bool ipvs_loaded) {
  Parts parts;
  for (const Step& step : plan.steps) {
    const Subsystem subsystem = subsystem_of(step.change);
    parts.nftables = parts.nftables || subsystem == Subsystem::kNftables;
    parts.ipvs = parts.ipvs || (subsystem == Subsystem::kSysctl && !ipvs_loaded) ||
                 parts.ipvs_services.size() > kServicesApart;
    if (subsystem != Subsystem::kIpvs || parts.ipvs) continue;
    if (const auto* const service = std::get_if<IpvsServiceChange>(&step.change))
      parts.ipvs_services.insert(service->key);
    else if (const auto* const server = std::get_if<RealServerChange>(&step.change))
      parts.ipvs_services.insert(server->key.service);
    else
      parts.ipvs = true;
  }
  return parts;
}

/// What there is to say before anything is done.
PassReport report_of(Plan planned, const DesiredState& wanted, const ObservedState& state) {
  PassReport report;
  report.planned = std::move(planned);
  report.handles = state.nft_rule_handles;
  report.vrrp = judge_vrrp(wanted, state);
  report.draining = draining_servers(wanted, state);
  return report;
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
  const bool was_settled = seen.settled && !reduced;
  const auto news = look(backend, scope_of(wanted, ownership.record()), seen);
  if (!news) return with_context(news.error(), "observe");
  if (seen.settled) return *seen.settled;

  const ServicesInQuestion in_question = was_settled ? news->services : std::nullopt;
  PassReport report = report_of(make_plan(wanted, *seen.state, ownership.record(), in_question),
                                wanted, *seen.state);
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
    refusals.note({}, {}, report.planned, now);
    if (reduced) report.remaining = left(ownership.record());
    if (refusals.entries().empty() && report.remaining.in_sync()) seen.settled = report;
    return report;
  }

  report.applied = apply_plan(report.planned, wanted, backend, report.handles,
                              [&](const Change& change) { return refusals.may_try(change, now); });

  const OwnershipRecord made = with_started_daemons(ownership.record(), report, seen.state->links);
  seen.stale = parts_of(report.planned, seen.state->ipvs_loaded);
  const auto later = look(backend, scope_of(wanted, ownership.record()), seen);
  if (!later) return with_context(later.error(), "observe after apply");
  report.remaining = make_plan(wanted, *seen.state, made, united(in_question, later->services));
  report.draining = draining_servers(wanted, *seen.state);
  refusals.note(report.planned, report.applied, report.remaining, now);
  if (reduced) report.remaining = left(made);
  if (const Status kept = keep(ownership, claim(made, wanted, *seen.state)); !kept)
    return with_context(kept.error(), "record of ownership after apply");
  if (!reduced && refusals.entries().empty() && report.remaining.in_sync())
    seen.settled = report_of(report.remaining, wanted, *seen.state);
  return report;
}

}  // namespace twobox
