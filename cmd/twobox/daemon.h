// The daemon: one thread owns document, kernel and record; events only wake it.
#pragma once

#include <poll.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/api.h"
#include "backends/events/directory_watch.h"
#include "backends/events/ipvs_changes.h"
#include "backends/events/kernel_events.h"
#include "backends/events/sysctl_watch.h"
#include "backends/loop_watch/loop_watch.h"
#include "backends/probe/handover_watch.h"
#include "checks/checker.h"
#include "reconciler/health.h"
#include "reconciler/premises.h"
#include "reconciler/probation.h"
#include "reconciler/promotions.h"
#include "reconciler/schedule.h"
#include "reconciler/status_recorder.h"
#include "twobox/commands.h"
#include "twobox/document_file.h"
#include "twobox/document_store.h"
#include "twobox/drain_overrides.h"
#include "twobox/history_file.h"
#include "twobox/keepalived_fifos.h"
#include "twobox/machine.h"
#include "twobox/role_overrides.h"
#include "twobox/state_directory.h"
#include "twobox/supervisor.h"

namespace twobox {

/// What the daemon listens to, all opened before the first pass so that no change is missed.
struct Ears {
  KernelEvents kernel;
  SysctlWatch sysctls;
  DirectoryWatch document;
  FileDescriptor signals;
  IpvsChanges ipvs;
  std::unique_ptr<Checker> checks;
  Result<LoopWatch> loops;  // an error: they are not looked out for
};

/// What outlives the daemon.
struct Records {
  OwnershipFile ownership;
  RoleOverridesFile roles;
  DrainOverridesFile drains;
  OpenedHistory history;
  DocumentStore documents;
};

class Daemon {
 public:
  /// `options.document` is where the document is kept, whoever writes it. What `backstage` refers
  /// to outlives the daemon.
  Daemon(DaemonOptions options, std::unique_ptr<Backend> kernel, Records records, Ears ears,
         const Backstage& backstage);

  /// Reads the document, so that whoever asks the board afterwards finds it.
  void begin();
  /// Returns on SIGTERM or SIGINT, with the dataplane left as it is.
  void run();

  /// traffic_json() of now: reads the kernel in full, so only while somebody watches, and not more
  /// often than once a second. To be called from the loop, behind its pass. Errors: kUnavailable
  /// while no document is acted on; whatever reading the kernel gives.
  Result<std::string> look_at_traffic();

 private:
  static Moment now();
  void wait();
  void add_ears_for_drift(std::vector<pollfd>& waiting) const;
  void hear();
  void hear_signals();
  void hear_loops();
  void judge_loops();
  void watch_vips(const Document& document);
  void hear_requests();
  void act_on(RoleRequest request);
  void act_on(DrainRequest request);
  void act_on(DocumentRequest request);
  void act_on(ConfirmRequest request);
  void act_on(RollbackRequest request);
  void act_on(DiffRequest request);
  Status change_role(const RoleRequest& request);
  Status change_drain(const DrainRequest& request);
  DocumentVerdict take_document(DocumentRequest& request);
  Status store_document(const std::string& text);
  void hear_editors();
  DocumentVerdict confirm(const ConfirmRequest& request);
  DocumentVerdict roll_back(RollbackRequest& request);
  std::optional<DocumentTrial> trial_of(const DocumentRequest& request) const;
  void tell_of_trials(const DocumentRecord& before, const std::string& etag);
  Result<DiffReport> diff_of(const std::optional<ValidDocument>& document);
  void answer_requests();
  void show();
  void show_traffic();
  void read_document();
  void take_from_file(LoadedDocument loaded);
  void end_trial(const DocumentTrial& trial, TrialStanding standing);
  void end_trial_of_apply();
  void revert_when_due();
  void revert_trial(const std::string& etag);
  void judge_probation();
  std::string why_not_converged() const;
  void go_back(const KeptDocument& to, Reversal reversal, WallTime since, bool write);
  void reverted_may_be_tried();
  void has_converged_now();
  bool file_says(const std::string& etag) const;
  const DocumentRecord& documents() const { return records_.documents.record(); }
  void keep(DocumentRecord record);
  void tell(const DocumentEvent& event);
  void accept(LoadedDocument loaded);
  void hold(LoadedDocument loaded);
  void keep_last_good(const std::string& text);
  void refuse(const std::string& reason, const std::string& message);
  void fall_back_to_last_good();
  void pass();
  void hear_kernel();
  void hear_document();
  void listen_to_ipvs();
  void watch_sysctls();
  bool find_target();
  Premises premises_for(const Standpoint& standpoint);
  Roles roles_to_act_on(const Standpoint& standpoint);
  bool begin_handover(const NodeName& node);
  bool hear_handover();
  void resolve_again();
  Result<Standpoint> standpoint_of(const ValidDocument& document);
  ServerEvidence evidence() const;
  void look_after_servers(const PassReport& report);
  void keep_history();
  void conclude(const PassReport& report, Moment begin);
  void announce_again();
  int milliseconds_to_sleep() const;

  DaemonOptions options_;
  std::unique_ptr<Backend> kernel_;
  Records records_;
  Ears ears_;
  StatusBoard& board_;
  LoopRequests& requests_;
  const DocumentSource source_;

  std::optional<LoadedDocument> document_;  // the last good one
  DaemonView shown_;                        // its text and ETag are those of document_
  WallTime document_since_;                 // when document_ came into force
  bool put_by_api_ = false;                 // so it came, and not by an editor
  Probation probation_;                     // of document_, if it asks for that
  const std::string boot_id_;               // "" if the kernel does not say
  std::string refused_text_;                // of the last complaint, to say each only once
  std::optional<SteadyTime> traffic_due_;   // while somebody watches: when to read it again
  std::optional<SteadyTime> document_due_;  // when to read the file: shortly after it was touched
  KeepalivedFifos fifos_;
  Promotions promotions_;
  std::optional<HandoverWatch> handover_;            // while there is something to take over
  std::vector<std::promise<Status>> overrides_set_;  // answered after the pass that acts on them
  std::vector<std::pair<std::promise<Result<DocumentVerdict>>, DocumentVerdict>>
      documents_taken_;       // so too
  DrainBegins drain_begins_;  // of the servers draining now
  /// When the next pass is due because a weight grows or a drain may be over.
  std::optional<SteadyTime> servers_due_;
  LoopDetector loop_detector_;
  std::optional<SteadyTime> loops_heard_again_;  // absent: at any time
  DesiredState desired_;
  std::optional<Premises> premises_;  // of desired_; absent: it is not of the document in force
  Sighting seen_;
  std::set<std::string> sysctl_paths_;  // watched
  bool interfaces_changed_ = false;     // or addresses, since they were last looked at
  Refusals refusals_;
  Schedule schedule_;
  StatusRecorder recorder_;
  bool history_kept_ = true;  // the last time it was written, to say each failure only once
  std::vector<std::pair<SteadyTime, AddressKey>> announcements_;  // second bursts, oldest first
  Supervisor supervisor_ = Supervisor::from_environment();
  bool started_ = false;  // a pass has been made
  bool stopping_ = false;
};

}  // namespace twobox
