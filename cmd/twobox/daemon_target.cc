// What the daemon works towards, and when that is made out anew.
#include "backends/sysctl/path.h"
#include "reconciler/check_targets.h"
#include "twobox/daemon.h"
#include "twobox/log.h"

namespace twobox {
namespace {

std::set<std::string> fifos_of(const Document& document) {
  std::set<std::string> paths;
  for (const auto& [name, vip] : document.vips)
    if (const auto* keepalived = std::get_if<FollowKeepalived>(&vip.role))
      paths.insert(keepalived->fifo);
  return paths;
}

std::set<std::string> watched_paths(const Scope& scope) {
  std::set<std::string> paths;
  for (const SysctlKey& key : scope.sysctls)
    if (const auto path = sysctl_path("/proc/sys", key)) paths.insert(*path);
  return paths;
}

}  // namespace

Result<Standpoint> Daemon::standpoint_of(const ValidDocument& document) {
  const RoleHints hints{records_.roles.roles(), fifos_.faults()};
  // What was seen last holds until the kernel speaks of interfaces or addresses.
  if (seen_.state && !interfaces_changed_ && seen_.stale != Parts::all())
    return take_standpoint(document, options_.node, hints,
                           Machine{seen_.state->links, seen_.state->kernel.addresses});
  return take_standpoint(document, options_.node, hints, *kernel_);
}

bool Daemon::find_target() {
  watch_vips(*document_->document);
  fifos_.set_watched(fifos_of(*document_->document));
  fifos_.drain();
  auto standpoint = standpoint_of(document_->document);
  if (!standpoint) {
    premises_.reset();
    if (recorder_.not_identified(standpoint.error(), now()))
      log(LogLevel::kError, standpoint.error().message);
    probation_.pass_left_something();
    return false;
  }
  recorder_.identified(standpoint->node, standpoint->roles, now());
  if (!premises_ || premises_->node != standpoint->node)
    ears_.checks->set_targets(check_targets(document_->document, standpoint->node));
  Premises premises = premises_for(*standpoint);
  const bool time_has_come = desired_.next_change && *desired_.next_change <= now().steady;
  if (!time_has_come && premises_ == premises) return true;
  premises_ = std::move(premises);
  resolve_again();
  return true;
}

/// Looked up anew only where they may be others: each costs three system calls, and whoever waits
/// to be healed waits for them.
void Daemon::watch_sysctls() {
  std::set<std::string> paths = watched_paths(scope_of(desired_, records_.ownership.record()));
  const bool due = seen_.stale == Parts::all();
  if (!due && !interfaces_changed_ && paths == sysctl_paths_) return;
  const Status watched = ears_.sysctls.set_watched(paths);
  if (!watched) log(LogLevel::kWarning, watched.error().message);
  interfaces_changed_ = !watched;
  sysctl_paths_ = std::move(paths);
}

Premises Daemon::premises_for(const Standpoint& standpoint) {
  Roles roles = roles_to_act_on(standpoint);
  return {standpoint.node,          std::move(roles), ears_.checks->verdicts(),
          records_.drains.drains(), drain_begins_,    promotions_.answering_peers()};
}

void Daemon::resolve_again() {
  const Premises& from = *premises_;
  desired_ = resolve(document_->document, from.node, from.roles, evidence());
  for (const VipName& vip : from.answering_peers)
    answer_peers(desired_, document_->document, from.node, vip);
  seen_.settled.reset();
  recorder_.acts_on(from.roles, desired_, now());
  recorder_.hears_of(from.health, now());
}

/// Before anything is acted on, no server that is checked has a verdict.
ServerEvidence Daemon::evidence() const {
  static const HealthMap kNoVerdicts;
  return {premises_ ? &premises_->health : &kNoVerdicts, records_.drains.drains(), &drain_begins_,
          now().steady};
}

}  // namespace twobox
