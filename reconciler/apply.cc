#include "reconciler/apply.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstddef>
#include <set>

#include "reconciler/describe.h"
#include "schema/bypass_sysctls.h"

namespace twobox {
namespace {

Error held_back(const std::string& why) {
  return {ErrorKind::kUnavailable, 0, "held back: " + why};
}

bool deletes_bypass_element(const Change& change, const Endpoint& endpoint) {
  const auto* const element = std::get_if<NftElementChange>(&change);
  return element != nullptr && !element->after &&
         element->key.value == decltype(element->key.value)(endpoint);
}

bool takes_bypass_away(const Step& step) {
  return step.phase == Phase::kBypassOff || step.phase == Phase::kBypassGone ||
         step.phase == Phase::kRetiredAddressGone || step.phase == Phase::kReleaseSysctls;
}

/// What has gone wrong so far, and which later steps must therefore not be taken.
class Obstacles {
 public:
  explicit Obstacles(const DesiredState& desired) : desired_(desired) {}

  std::optional<Error> against(const Step& step) const {
    const Change& change = step.change;
    if (const auto* server = std::get_if<RealServerChange>(&change);
        server != nullptr && missing_services_.contains(server->key.service))
      return held_back("its service was refused");
    if (const auto* service = std::get_if<IpvsServiceChange>(&change);
        service != nullptr && !service->before && lacks_bypass(service->key))
      return held_back("without its bypass this node would schedule what its peers forward");
    if (would_answer_arp(step))
      return held_back("without its sysctls this node would tell the wire that the vip is here");
    if (foundation_is_broken_ && takes_bypass_away(step))
      return held_back("the bypass that is to take its place could not be completed");
    if (bypass_is_still_needed(change)) return held_back("its service could not be removed");
    return std::nullopt;
  }

  void note_failure(const Step& step) {
    if (const auto* service = std::get_if<IpvsServiceChange>(&step.change)) {
      if (!service->before) missing_services_.insert(service->key);
      if (!service->after) stuck_services_.insert(service->key);
    }
    if (step.phase == Phase::kHoldSysctls) note_failed_sysctl(std::get<SysctlChange>(step.change));
    if (step.phase == Phase::kPark) foundation_is_broken_ = true;
    if (step.phase == Phase::kBypassOn) note_failed_bypass(step.change);
  }

 private:
  void note_failed_sysctl(const SysctlChange& change) {
    const std::string& name = change.key.name;
    if (name == kBackupOnlySysctl) foundation_is_broken_ = true;
    if (name.ends_with(".arp_ignore") || name.ends_with(".arp_announce")) arp_would_answer_ = true;
  }

  void note_failed_bypass(const Change& change) {
    const auto* const element = std::get_if<NftElementChange>(&change);
    const auto* const endpoint =
        element != nullptr ? std::get_if<Endpoint>(&element->key.value) : nullptr;
    if (endpoint != nullptr) {
      unprotected_.insert(*endpoint);
    } else {
      foundation_is_broken_ = true;
    }
  }

  bool lacks_bypass(const IpvsServiceKey& key) const {
    const auto* const endpoint = std::get_if<Endpoint>(&key);
    if (endpoint == nullptr) return false;  // without its mark nothing is scheduled at all
    return unprotected_.contains(*endpoint) || (foundation_is_broken_ && wants_bypass(*endpoint));
  }

  bool wants_bypass(const Endpoint& endpoint) const {
    if (desired_.kernel.sysctls.contains(SysctlKey{kBackupOnlySysctl}) &&
        desired_.kernel.ipvs_daemons.contains(SyncDaemonKey{SyncState::kBackup}))
      return true;
    for (const auto& [key, config] : desired_.kernel.nft_elements)
      if (key.value == decltype(key.value)(endpoint)) return true;
    return false;
  }

  bool would_answer_arp(const Step& step) const {
    const auto* const address = std::get_if<AddressChange>(&step.change);
    return arp_would_answer_ && step.phase == Phase::kPark && address != nullptr &&
           address->key.prefix.address().family() == AddressFamily::kIpv4;
  }

  bool bypass_is_still_needed(const Change& change) const {
    if (stuck_services_.empty()) return false;
    for (const IpvsServiceKey& stuck : stuck_services_) {
      const auto* const endpoint = std::get_if<Endpoint>(&stuck);
      if (endpoint != nullptr && deletes_bypass_element(change, *endpoint)) return true;
    }
    const auto* const table = std::get_if<NftTableChange>(&change);
    return table != nullptr && !table->after;
  }

  const DesiredState& desired_;
  std::set<IpvsServiceKey> missing_services_;  // could not be created
  std::set<IpvsServiceKey> stuck_services_;    // could not be removed
  std::set<Endpoint> unprotected_;             // their bypass could not be set
  bool foundation_is_broken_ = false;          // what the bypass of all endpoints rests on
  bool arp_would_answer_ = false;
};

class Applier {
 public:
  Applier(const DesiredState& desired, Backend& backend,
          const std::map<NftRuleKey, std::uint64_t>& handles, const MayTry& may_try,
          std::size_t steps)
      : desired_(desired),
        backend_(backend),
        handles_(handles),
        may_try_(may_try),
        obstacles_(desired) {
    report_.outcomes.reserve(steps);
  }

  /// `steps` share phase and subsystem.
  void take(std::span<const Step> steps) {
    const std::size_t first = report_.outcomes.size();
    std::vector<std::size_t> open;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      std::optional<Error> obstacle = obstacle_to(steps[i]);
      if (!obstacle) open.push_back(i);
      const bool tried = !obstacle.has_value();
      report_.outcomes.push_back({std::move(obstacle), tried});
    }
    const std::span<StepOutcome> outcomes = std::span(report_.outcomes).subspan(first);
    carry_out(steps, std::move(open), outcomes);
    for (std::size_t i = 0; i < steps.size(); ++i) conclude(steps[i], outcomes[i]);
  }

  ApplyReport finish() { return std::move(report_); }

 private:
  std::optional<Error> obstacle_to(const Step& step) const {
    if (!may_try_(step.change)) return held_back("refused a moment ago, to be tried again");
    return obstacles_.against(step);
  }

  /// Tries the steps at the places `open` and fills in their outcomes.
  void carry_out(std::span<const Step> steps, std::vector<std::size_t> open,
                 std::span<StepOutcome> outcomes) {
    const Subsystem subsystem = subsystem_of(steps.front().change);
    while (!open.empty()) {
      std::vector<Change> changes;
      changes.reserve(open.size());
      for (const std::size_t at : open) changes.push_back(steps[at].change);
      const std::vector<Status> results = backend_.apply(subsystem, changes, handles_);
      assert(results.size() == open.size());
      std::vector<std::size_t> cancelled;
      for (std::size_t i = 0; i < open.size(); ++i) {
        auto& error = outcomes[open[i]].error;
        error = results[i] ? std::nullopt : std::optional<Error>(results[i].error());
        if (error && error->errno_value == ECANCELED) cancelled.push_back(open[i]);
      }
      // A batch is all or none: what only fell with another's fault is tried again without that
      // one. A table that is being made anew stays as it is unless all of it can be.
      const bool smaller = cancelled.size() < open.size();
      if (!smaller || replaces_table(changes)) return;
      open = std::move(cancelled);
    }
  }

  static bool replaces_table(const std::vector<Change>& changes) {
    for (const Change& change : changes)
      if (const auto* table = std::get_if<NftTableChange>(&change);
          table != nullptr && table->before && table->after)
        return true;
    return false;
  }

  void conclude(const Step& step, const StepOutcome& outcome) {
    if (outcome.error) {
      obstacles_.note_failure(step);
      return;
    }
    const auto* const address = std::get_if<AddressChange>(&step.change);
    if (address == nullptr || address->before || !desired_.announced.contains(address->key)) return;
    const AddressKey& key = address->key;
    report_.gained.push_back(
        {key, backend_.announce(key.interface, key.prefix.address(), kAnnouncementsPerBurst)});
  }

  const DesiredState& desired_;
  Backend& backend_;
  const std::map<NftRuleKey, std::uint64_t>& handles_;
  const MayTry& may_try_;
  Obstacles obstacles_;
  ApplyReport report_;
};

/// Changes of IPVS stand each for itself, so that those of a large table need not all be copied at
/// once; a batch of nftables is all or none.
constexpr std::size_t kIpvsChangesAtOnce = 2048;

/// Those of `steps` that are taken together with the first of them.
std::span<const Step> first_group(std::span<const Step> steps) {
  const Phase phase = steps.front().phase;
  const Subsystem subsystem = subsystem_of(steps.front().change);
  if (subsystem == Subsystem::kIpvs)
    steps = steps.first(std::min(steps.size(), kIpvsChangesAtOnce));
  const auto end = std::ranges::find_if(steps, [&](const Step& step) {
    return step.phase != phase || subsystem_of(step.change) != subsystem;
  });
  return {steps.begin(), end};
}

}  // namespace

ApplyReport apply_plan(const Plan& plan, const DesiredState& desired, Backend& backend,
                       const std::map<NftRuleKey, std::uint64_t>& handles, const MayTry& may_try) {
  Applier applier(desired, backend, handles, may_try, plan.steps.size());
  for (std::span<const Step> steps = plan.steps; !steps.empty();) {
    const std::span<const Step> group = first_group(steps);
    applier.take(group);
    steps = steps.subspan(group.size());
  }
  return applier.finish();
}

}  // namespace twobox
