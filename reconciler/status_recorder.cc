#include "reconciler/status_recorder.h"

#include <utility>

#include "reconciler/describe.h"

namespace twobox {
namespace {

std::chrono::microseconds between(Moment begin, Moment end) {
  return std::chrono::duration_cast<std::chrono::microseconds>(end.steady - begin.steady);
}

WallTime on_the_wall(SteadyTime time, Moment now) {
  return now.wall + std::chrono::duration_cast<WallTime::duration>(time - now.steady);
}

std::string plural(std::size_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::size_t changes_made(const PassReport& pass) {
  std::size_t made = 0;
  for (const StepOutcome& outcome : pass.applied.outcomes) made += outcome.error ? 0 : 1;
  return made;
}

}  // namespace

StatusRecorder::StatusRecorder(std::string document_path, std::string document_source,
                               Moment now) {
  report_.document_path = std::move(document_path);
  report_.document_source = std::move(document_source);
  set("DocumentValid", false, "NotRead", "the document has not been read yet", now);
  set("KernelReadable", false, "NotRead", "the kernel has not been read yet", now);
  set("Converged", false, "NoPass", "no pass has been made yet", now);
  update_ready(now);
}

void StatusRecorder::document_accepted(Moment now) {
  ++report_.generation;
  document_still_valid(now);
}

void StatusRecorder::document_still_valid(Moment now) {
  set("DocumentValid", true, "Accepted",
      "generation " + std::to_string(report_.generation) + " is in force", now);
}

void StatusRecorder::fell_back(Moment now) {
  ++report_.generation;
  update_ready(now);
}

void StatusRecorder::document_refused(const std::string& reason, const std::string& message,
                                      Moment now) {
  set("DocumentValid", false, reason, message, now);
  update_ready(now);
}

void StatusRecorder::identified(const NodeName& node, const VipRoles& roles, Moment now) {
  report_.node = node;
  std::map<VipName, VipStatus> vips;
  for (const auto& [name, vip] : roles) {
    const auto old = report_.vips.find(name);
    const bool same = old != report_.vips.end() && old->second.role == vip.role;
    vips[name] = VipStatus{vip.role, vip.source, same ? old->second.since : now.wall};
  }
  report_.vips = std::move(vips);
}

bool StatusRecorder::not_identified(const Error& error, Moment now) {
  const bool is_news = report_.conditions["Converged"].message != error.message;
  report_.vips.clear();
  set("Converged", false, "NodeUnknown", error.message, now);
  update_ready(now);
  return is_news;
}

void StatusRecorder::pass_made(const PassReport& pass, const Refusals& refusals, Moment begin,
                               Moment end) {
  set("KernelReadable", true, "Read", "addresses, ipvs, nftables and sysctls were read", end);
  report_.last_pass = LastPass{end.wall, between(begin, end), changes_made(pass), std::nullopt};
  report_.foreign = pass.remaining.steps.empty() ? pass.planned.foreign : pass.remaining.foreign;
  report_.missing.clear();
  for (const Step& step : pass.remaining.steps) report_.missing.push_back(object_name(step.change));
  report_.refused.clear();
  for (const auto& [name, refusal] : refusals.entries())
    report_.refused.push_back({name, refusal.error, refusal.failures,
                               on_the_wall(refusal.since, end),
                               on_the_wall(refusal.next_attempt, end)});
  judge_vrrp(pass.vrrp, end);
  remember(pass, end);
  judge(pass, end);
}

void StatusRecorder::pass_failed(const Error& error, Moment begin, Moment end) {
  report_.last_pass = LastPass{end.wall, between(begin, end), 0, error.message};
  set("KernelReadable", false, "PassFailed", error.message, end);
  set("Converged", false, "PassFailed", "the last pass could not be made", end);
  update_ready(end);
}

void StatusRecorder::set(const std::string& type, bool holds, std::string reason,
                         std::string message, Moment now) {
  Condition& condition = report_.conditions[type];
  const bool same = condition.holds == holds && condition.since != WallTime{};
  condition = {holds, std::move(reason), std::move(message), same ? condition.since : now.wall};
}

void StatusRecorder::remember(const PassReport& pass, Moment now) {
  const std::string cause =
      report_.observed_generation == report_.generation ? "drift" : "document";
  for (const StepOutcome& outcome : pass.applied.outcomes) {
    if (outcome.error) continue;
    const Description change = describe(outcome.step.change);
    report_.history.push_back({now.wall, cause, std::string(to_string(change.action)),
                               object_name(outcome.step.change), outcome.step.reason});
    if (report_.history.size() > kHistoryLength) report_.history.pop_front();
  }
}

void StatusRecorder::judge(const PassReport& pass, Moment now) {
  if (pass.remaining.in_sync()) {
    report_.observed_generation = report_.generation;
    set("Converged", true, "InSync", "the kernel is as the document wants it", now);
  } else {
    set("Converged", false, report_.refused.empty() ? "Differs" : "Refused",
        plural(pass.remaining.steps.size(), "difference") + " left, " +
            plural(report_.refused.size(), "object") + " refused",
        now);
  }
  update_ready(now);
}

/// Never a reason to be not ready: what we hold is as it should be.
void StatusRecorder::judge_vrrp(const std::optional<VrrpVerdict>& verdict, Moment now) {
  if (!verdict) {
    report_.conditions.erase("VrrpPasses");
  } else if (!verdict->readable) {
    set("VrrpPasses", false, "Unreadable", "the chains of other nft tables could not be read", now);
  } else if (verdict->blocks.empty()) {
    set("VrrpPasses", true, "NotBlocked", "no nft chain drops VRRP by its policy", now);
  } else {
    std::string message;
    for (const VrrpBlock& block : verdict->blocks)
      message += (message.empty() ? "" : "; ") + to_string(block);
    set("VrrpPasses", false, "Blocked", std::move(message), now);
  }
}

void StatusRecorder::update_ready(Moment now) {
  const bool converged = report_.conditions["Converged"].holds;
  if (report_.generation == 0) {
    set("Ready", false, "NoDocument", "no valid document has been read yet", now);
  } else if (!converged) {
    set("Ready", false, "NotConverged", report_.conditions["Converged"].message, now);
  } else {
    set("Ready", true, "Converged", "the kernel is as the document in force wants it", now);
  }
}

}  // namespace twobox
