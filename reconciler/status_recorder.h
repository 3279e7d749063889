// Turns what happens into the status. Pure: every moment is an argument.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reconciler/disturbances.h"
#include "reconciler/document_record.h"
#include "reconciler/status.h"
#include "schema/document.h"

namespace twobox {

struct DocumentEvent {
  std::string action;  // await, confirm, revert, overrule
  std::string etag;
  std::string reason;
  WallTime since;  // of what it ends; of an await: now
};

class StatusRecorder {
 public:
  /// `history`: of earlier runs.
  StatusRecorder(std::string document_path, std::string document_source, Moment now,
                 History history = History());

  void document_accepted(Moment now);
  /// The file again says what is in force already.
  void document_still_valid(Moment now);
  /// The file is not usable; a document of an earlier run is in force.
  void fell_back(Moment now);
  /// The last good document, if any, stays in force.
  void document_refused(const std::string& reason, const std::string& message, Moment now);
  void identified(const NodeName& node, const VipRoles& roles, Moment now);
  /// False if that was known already.
  bool not_identified(const Error& error, Moment now);
  /// What the next pass acts on, and why another than the last; Cause::kDocument is known.
  void acts_on(const Roles& roles, const DesiredState& desired, Moment now);
  /// Whether it leaves something for later: a new master that is backup still.
  void awaits_peers(bool awaits) { awaits_peers_ = awaits; }
  /// The verdicts that the next pass acts on.
  void hears_of(const HealthMap& health, Moment now);
  /// Behind pass_made(): what is to be said of real servers.
  void servers_are(const ServerView& view, Moment now);
  void drains_are(const DrainOverrides& drains) { report_.drains = drains; }
  void cause_noticed(Cause cause, Moment now) { causes_.notice(cause, now); }
  /// What was tried, in order. Of refusals in a row only the first goes into the history.
  std::vector<HistoryEntry> pass_made(const PassReport& pass, const Refusals& refusals,
                                      Moment begin, Moment end);
  void pass_failed(const Error& error, Moment begin, Moment end);
  /// Whether each change of IPVS is heard of; `deaf` says why not.
  void listens_to_ipvs(bool loaded, const std::optional<Error>& deaf, Moment now);
  void netlink_overran() { ++report_.totals.netlink_overruns; }
  void state_file_failed() { ++report_.totals.state_file_errors; }
  void loops_not_watched(const Error& error, Moment now);
  /// `evidence`: why there is a loop; nullopt: none is known. True if that is news.
  bool loops_judged(const std::optional<std::string>& evidence, Moment now);
  /// Which document waits to be confirmed, and which one went back by itself.
  void documents_are(const DocumentRecord& record, Moment now);
  /// Into the history: what happened to a document as such, beside the changes it brought about.
  HistoryEntry document_event(const DocumentEvent& event, Moment now);
  void loop_packets_counted(std::uint64_t count) { report_.totals.loop_packets += count; }

  const StatusReport& report() const { return report_; }

 private:
  void set(const std::string& type, bool holds, std::string reason, std::string message,
           Moment now);
  void remember(const std::vector<HistoryEntry>& tried, const Refusals& refusals);
  void count(std::uint64_t& result, Moment begin, Moment end);
  void judge(const PassReport& pass, Moment now);
  void judge_vrrp(const std::optional<VrrpVerdict>& verdict, Moment now);
  void update_ready(Moment now);
  /// Sets the condition, or takes it away.
  void set_if(const std::string& type, const std::optional<Finding>& finding, Moment now);

  StatusReport report_;
  Causes causes_;
  bool awaits_peers_ = false;
  Disturbances disturbances_;
  std::optional<Roles> roles_;                // acted on by the last pass
  std::map<RealServerKey, Health> verdicts_;  // so too
};

}  // namespace twobox
