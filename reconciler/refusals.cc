#include "reconciler/refusals.h"

#include <algorithm>
#include <set>

#include "reconciler/backoff.h"
#include "reconciler/describe.h"

namespace twobox {

bool Refusals::may_try(const Change& change, SteadyTime now) const {
  if (entries_.empty()) return true;
  const auto found = entries_.find(object_name(change));
  return found == entries_.end() || found->second.next_attempt <= now;
}

void Refusals::note(const Plan& planned, const ApplyReport& applied, const Plan& remaining,
                    SteadyTime now) {
  if (remaining.in_sync()) return entries_.clear();
  std::set<std::string> still_wanted;
  for (const Step& step : remaining.steps) still_wanted.insert(object_name(step.change));
  std::erase_if(entries_, [&](const auto& entry) { return !still_wanted.contains(entry.first); });
  for (std::size_t i = 0; i < applied.outcomes.size(); ++i) {
    const StepOutcome& outcome = applied.outcomes[i];
    const std::string name = object_name(planned.steps[i].change);
    if (!outcome.tried || !still_wanted.contains(name)) continue;
    add(name,
        outcome.error.value_or(
            Error{ErrorKind::kKernelRefused, 0, name + ": accepted, but at once different again"}),
        now);
  }
}

void Refusals::retry_now(SteadyTime now) {
  for (auto& [name, refusal] : entries_) refusal.next_attempt = std::min(refusal.next_attempt, now);
}

void Refusals::retry_unavailable(SteadyTime now) {
  for (auto& [name, refusal] : entries_)
    if (refusal.error.kind == ErrorKind::kUnavailable)
      refusal.next_attempt = std::min(refusal.next_attempt, now);
}

std::optional<SteadyTime> Refusals::next_attempt() const {
  std::optional<SteadyTime> earliest;
  for (const auto& [name, refusal] : entries_)
    if (!earliest || refusal.next_attempt < *earliest) earliest = refusal.next_attempt;
  return earliest;
}

void Refusals::add(const std::string& name, Error error, SteadyTime now) {
  Refusal& refusal = entries_.try_emplace(name, Refusal{error, now, 0, now}).first->second;
  refusal.error = std::move(error);
  ++refusal.failures;
  refusal.next_attempt = now + retry_delay(refusal.failures);
}

}  // namespace twobox
