#include "reconciler/status_recorder.h"

#include <algorithm>
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

std::map<IpvsServiceKey, VipName> vips_of(const DesiredState& desired) {
  std::map<IpvsServiceKey, VipName> vips;
  for (const auto& [key, config] : desired.kernel.ipvs_services) {
    const auto* const endpoint = std::get_if<Endpoint>(&key);
    vips.emplace(key, endpoint != nullptr ? desired.vip_names.at(endpoint->address)
                                          : desired.mark_names.at(std::get<FirewallMark>(key)));
  }
  return vips;
}

}  // namespace

StatusRecorder::StatusRecorder(std::string document_path, std::string document_source, Moment now,
                               History history) {
  report_.document_path = std::move(document_path);
  report_.document_source = std::move(document_source);
  report_.history = std::make_shared<const History>(std::move(history));
  set("DocumentValid", false, "NotRead", "the document has not been read yet", now);
  set("KernelReadable", false, "NotRead", "the kernel has not been read yet", now);
  set("Converged", false, "NoPass", "no pass has been made yet", now);
  update_ready(now);
}

void StatusRecorder::document_accepted(Moment now) {
  ++report_.generation;
  causes_.notice(Cause::kDocument, now);
  document_still_valid(now);
}

void StatusRecorder::document_still_valid(Moment now) {
  set("DocumentValid", true, "Accepted",
      "generation " + std::to_string(report_.generation) + " is in force", now);
}

void StatusRecorder::fell_back(Moment now) {
  ++report_.generation;
  causes_.notice(Cause::kDocument, now);
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

void StatusRecorder::acts_on(const Roles& roles, const DesiredState& desired, Moment now) {
  if (roles_ && *roles_ != roles) causes_.notice(Cause::kRole, now);
  roles_ = roles;
  report_.services = std::make_shared<const std::map<IpvsServiceKey, VipName>>(vips_of(desired));
}

void StatusRecorder::hears_of(const HealthMap& health, Moment now) {
  std::map<RealServerKey, Health> verdicts;
  for (const auto& [server, of] : health) {
    verdicts.emplace(server, of.health);
    const auto old = verdicts_.find(server);
    if (of.health != (old == verdicts_.end() ? Health::kUnknown : old->second))
      causes_.notice(Cause::kHealth, now);
  }
  verdicts_ = std::move(verdicts);
}

void StatusRecorder::servers_are(const ServerView& view, Moment now) {
  report_.servers = std::make_shared<const std::vector<ServerStatus>>(
      server_statuses(view, *report_.services, now));
  set_if("ServersHealthy", servers_healthy(*report_.servers), now);
  set_if("QuorumReached", quorum_reached(view.desired, *report_.services), now);
}

std::vector<HistoryEntry> StatusRecorder::pass_made(const PassReport& pass,
                                                    const Refusals& refusals, Moment begin,
                                                    Moment end) {
  set("KernelReadable", true, "Read", "addresses, ipvs, nftables and sysctls were read", end);
  report_.conditions.erase("StateWritable");
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
  judge(pass, end);
  Totals& totals = report_.totals;
  count(!pass.remaining.in_sync() ? totals.passes_error
        : pass.planned.in_sync()  ? totals.passes_noop
                                  : totals.passes_success,
        begin, end);
  std::vector<HistoryEntry> tried = causes_.explain(pass, begin, end);
  disturbances_.note(tried, end);
  set_if("Undisturbed", disturbances_.finding(end), end);
  remember(tried, refusals);
  return tried;
}

void StatusRecorder::pass_failed(const Error& error, Moment begin, Moment end) {
  report_.last_pass = LastPass{end.wall, between(begin, end), 0, error.message};
  const bool recorded = error.kind != ErrorKind::kNotRecorded;
  set(recorded ? "KernelReadable" : "StateWritable", false, "PassFailed", error.message, end);
  set("Converged", false, "PassFailed", "the last pass could not be made", end);
  update_ready(end);
  count(report_.totals.passes_error, begin, end);
}

void StatusRecorder::set(const std::string& type, bool holds, std::string reason,
                         std::string message, Moment now) {
  Condition& condition = report_.conditions[type];
  const bool same = condition.holds == holds && condition.since != WallTime{};
  condition = {holds, std::move(reason), std::move(message), same ? condition.since : now.wall};
}

void StatusRecorder::set_if(const std::string& type, const std::optional<Finding>& finding,
                            Moment now) {
  if (finding)
    set(type, finding->holds, finding->reason, finding->message, now);
  else
    report_.conditions.erase(type);
}

void StatusRecorder::remember(const std::vector<HistoryEntry>& tried, const Refusals& refusals) {
  if (tried.empty()) return;
  // Readers of earlier reports keep the ring they were given.
  auto history = std::make_shared<History>(*report_.history);
  for (const HistoryEntry& entry : tried) {
    if (!entry.error) ++report_.totals.changes[{entry.kind, entry.action, entry.cause}];
    const auto refusal = refusals.entries().find(object_name(entry));
    const bool repeats = refusal != refusals.entries().end() && refusal->second.failures > 1;
    if (!entry.error || !repeats) history->add(entry);
  }
  report_.history = std::move(history);
}

void StatusRecorder::count(std::uint64_t& result, Moment begin, Moment end) {
  ++result;
  const auto duration = between(begin, end);
  const double seconds = std::chrono::duration<double>(duration).count();
  const auto* const bound = std::ranges::lower_bound(kPassDurationBounds, seconds);
  ++report_.totals.passes_by_duration.at(
      static_cast<std::size_t>(bound - kPassDurationBounds.begin()));
  report_.totals.passes_duration += duration;
}

void StatusRecorder::judge(const PassReport& pass, Moment now) {
  if (pass.remaining.in_sync() && awaits_peers_) {
    set("Converged", false, "AwaitsPeers",
        "this node is to be master, as soon as its peers have given up the VIP", now);
  } else if (pass.remaining.in_sync()) {
    report_.observed_generation = report_.generation;
    report_.last_sync = now.wall;
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

void StatusRecorder::listens_to_ipvs(bool loaded, const std::optional<Error>& deaf, Moment now) {
  if (deaf) {
    set("IpvsHeard", false, "Polled", "IPVS is looked at once a second: " + deaf->message, now);
  } else if (loaded) {
    set("IpvsHeard", true, "Probed", "the kernel tells of each change of IPVS", now);
  } else {
    set("IpvsHeard", true, "NotLoaded", "there is no IPVS that could change", now);
  }
}

void StatusRecorder::loops_not_watched(const Error& error, Moment now) {
  set("LoopWatched", false, "Off", "nobody looks out for loops: " + error.message, now);
}

bool StatusRecorder::loops_judged(const std::optional<std::string>& evidence, Moment now) {
  const auto old = report_.conditions.find("LoopFree");
  const bool knew_of_one = old != report_.conditions.end() && !old->second.holds;
  if (evidence) {
    set("LoopFree", false, "Loop", *evidence, now);
  } else {
    set("LoopFree", true, "NoneSeen", "no packet to a VIP was seen to go round", now);
  }
  return evidence.has_value() != knew_of_one;
}

void StatusRecorder::documents_are(const DocumentRecord& record, Moment now) {
  report_.confirmation.reset();
  std::optional<Finding> finding;
  if (const auto& trial = record.trial) {
    report_.confirmation =
        ConfirmationStatus{trial->etag, trial->before.etag, trial->since, trial->until};
    finding = Finding{false, "AwaitsConfirmation",
                      "document " + trial->etag + " goes back to " + trial->before.etag + " at " +
                          time_text(trial->until) + ", unless `twobox confirm` comes before"};
  } else if (const auto& reversal = record.reversal) {
    finding = Finding{false, std::string(to_string(reversal->reason)), reversal->message};
  }
  set_if("DocumentKept", finding, now);
}

HistoryEntry StatusRecorder::document_event(const DocumentEvent& event, Moment now) {
  HistoryEntry entry;
  entry.at = now.wall;
  entry.cause = Cause::kDocument;
  entry.action = event.action;
  entry.kind = "document";
  entry.key = event.etag;
  entry.reason = event.reason;
  entry.duration =
      std::max(std::chrono::duration_cast<std::chrono::milliseconds>(now.wall - event.since),
               std::chrono::milliseconds(0));
  auto history = std::make_shared<History>(*report_.history);
  history->add(entry);
  report_.history = std::move(history);
  return entry;
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
