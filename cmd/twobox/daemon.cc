#include "twobox/daemon.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "reconciler/describe.h"
#include "twobox/history_log.h"
#include "twobox/log.h"
#include "twobox/machine_ids.h"
#include "twobox/start_memory.h"

namespace twobox {
namespace {

/// Between two readings of everything: where every change is announced, and where not.
constexpr std::chrono::seconds kResyncHearing{30};
constexpr std::chrono::seconds kResyncDeaf{5};
/// Other hands' firewalls decide nothing here; whoever writes one does so rule by rule.
constexpr std::chrono::seconds kOtherTablesSettle{1};
/// A save is often several writes; half a document would only give a false alarm.
constexpr std::chrono::milliseconds kDocumentSettles{100};

/// For the one line that `systemctl status` shows.
std::string in_short(const StatusReport& report) {
  std::string text;
  if (!report.node.empty()) text = "node " + report.node;
  for (const auto& [name, vip] : report.vips)
    text += ", " + name + " " + std::string(to_string(vip.role));
  const auto ready = report.conditions.find("Ready");
  if (ready != report.conditions.end()) text += (text.empty() ? "" : ": ") + ready->second.message;
  return text;
}

std::string id_of_this_boot() {
  const auto id = boot_id();
  return id ? *id : "";
}

}  // namespace

Daemon::Daemon(DaemonOptions options, std::unique_ptr<Backend> kernel, Records records, Ears ears,
               const Backstage& backstage)
    : options_(std::move(options)),
      kernel_(std::move(kernel)),
      records_(std::move(records)),
      ears_(std::move(ears)),
      board_(backstage.board),
      requests_(backstage.requests),
      source_(backstage.source),
      boot_id_(id_of_this_boot()),
      schedule_(options_.resync.value_or(kResyncDeaf)),
      recorder_(options_.document, std::string(to_string(backstage.source)), now(),
                std::move(records_.history.history)) {
  recorder_.drains_are(records_.drains.drains());
  recorder_.documents_are(documents(), now());
}

Moment Daemon::now() {
  return {std::chrono::steady_clock::now(), std::chrono::system_clock::now()};
}

void Daemon::begin() {
  if (!ears_.loops) recorder_.loops_not_watched(ears_.loops.error(), now());
  end_trial_of_apply();
  read_document();
  if (!document_) fall_back_to_last_good();
  show();
}

void Daemon::run() {
  while (!stopping_) {
    const SteadyTime time = now().steady;
    if (document_due_ && *document_due_ <= time) read_document();
    revert_when_due();
    if (schedule_.next(refusals_.next_attempt()) <= time) pass();
    hear_document();
    judge_probation();
    announce_again();
    show_traffic();
    show();
    answer_requests();
    supervisor_.alive(in_short(recorder_.report()), now().steady);
    wait();
    hear();
  }
  supervisor_.stopping();
  log(LogLevel::kInfo, "stopped; addresses, services and rules stay as they are");
}

void Daemon::wait() {
  std::vector<pollfd> waiting = {{ears_.signals.get(), POLLIN, 0},
                                 {ears_.document.fd(), POLLIN, 0},
                                 {ears_.checks->fd(), POLLIN, 0},
                                 {requests_.fd(), POLLIN, 0}};
  if (!schedule_.is_woken()) add_ears_for_drift(waiting);
  if (ears_.loops && !loops_heard_again_) waiting.push_back({ears_.loops->fd(), POLLIN, 0});
  if (handover_) waiting.push_back({handover_->fd(), POLLIN, 0});
  for (const int fd : fifos_.fds()) waiting.push_back({fd, POLLIN, 0});
  ::poll(waiting.data(), waiting.size(), milliseconds_to_sleep());
}

/// Once a pass is to come, more of this would wake us for nothing; it is heard before that pass.
void Daemon::add_ears_for_drift(std::vector<pollfd>& waiting) const {
  waiting.push_back({ears_.sysctls.fd(), POLLIN, 0});
  for (const int fd : ears_.kernel.fds()) waiting.push_back({fd, POLLIN, 0});
  if (ears_.ipvs.fd() >= 0) waiting.push_back({ears_.ipvs.fd(), POLLIN, 0});
}

int Daemon::milliseconds_to_sleep() const {
  SteadyTime due = schedule_.next(refusals_.next_attempt());
  if (document_due_) due = std::min(due, *document_due_);
  if (traffic_due_) due = std::min(due, *traffic_due_);
  if (!announcements_.empty()) due = std::min(due, announcements_.front().first);
  if (const auto promotion = promotions_.next()) due = std::min(due, *promotion);
  if (handover_) due = std::min(due, handover_->next());
  if (const auto look = ears_.ipvs.next()) due = std::min(due, *look);
  if (loops_heard_again_) due = std::min(due, *loops_heard_again_);
  if (const auto forgotten = loop_detector_.next()) due = std::min(due, *forgotten);
  if (const auto sign_of_life = supervisor_.due()) due = std::min(due, *sign_of_life);
  if (servers_due_) due = std::min(due, *servers_due_);
  if (documents().trial) due = std::min(due, documents().trial->deadline);
  if (const auto judgement = probation_.due()) due = std::min(due, *judgement);
  const SteadyTime time = now().steady;
  if (due <= time) return 0;
  // Rounded up: waking a little early would spin.
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(due - time).count());
}

void Daemon::hear() {
  hear_signals();
  hear_requests();
  hear_kernel();
  hear_loops();
  // Each is emptied, whatever the others say.
  const bool sysctls = ears_.sysctls.drain();
  const bool keepalived = fifos_.drain();
  const bool verdicts = ears_.checks->drain();
  const bool taken_over = hear_handover();
  const auto promotion = promotions_.next();
  const bool promoted = promotion && *promotion <= now().steady;
  const bool servers = servers_due_ && *servers_due_ <= now().steady;
  if (servers && desired_.next_change && *desired_.next_change <= now().steady)
    recorder_.cause_noticed(Cause::kHealth, now());
  if (servers) servers_due_.reset();
  if (sysctls || keepalived || verdicts || promoted || taken_over || servers) schedule_.wake({});
}

/// After the pass, if there was one: looking where the file is takes as long as reading the kernel,
/// and a document waits to settle anyway.
void Daemon::hear_document() {
  if (ears_.document.drain()) document_due_ = now().steady + kDocumentSettles;
}

void Daemon::hear_kernel() {
  const KernelWake wake = ears_.kernel.drain();
  const SteadyTime time = now().steady;
  interfaces_changed_ = interfaces_changed_ || wake.links_or_addresses || wake.interface_settings ||
                        wake.overrun || wake.ipvs_module;
  Parts parts;
  parts.nftables = wake.nftables;
  parts.ipvs = ears_.ipvs.changed(time) || wake.ipvs_module;
  if (wake.ipvs_module) ears_.ipvs.module_changed();
  if (wake.overrun) {
    parts = Parts::all();
    recorder_.netlink_overran();
  }
  if (wake.links_or_addresses || wake.interface_settings || parts != Parts{}) schedule_.wake(parts);
  if (wake.other_tables) {
    parts.other_tables = true;
    schedule_.wake_by(time + kOtherTablesSettle, parts);
  }
  // An interface that was missing may be there now.
  if (wake.links_or_addresses || wake.overrun) refusals_.retry_unavailable(time);
}

/// Where each change of IPVS is announced, everything need be read only seldom.
void Daemon::listen_to_ipvs() {
  if (!seen_.state) return;
  const bool loaded = seen_.state->ipvs_loaded;
  if (ears_.ipvs.listen(loaded, now().steady)) schedule_.wake({.ipvs = true});
  const auto& deaf = ears_.ipvs.without_probe();
  schedule_.set_resync(options_.resync.value_or(deaf ? kResyncDeaf : kResyncHearing));
  recorder_.listens_to_ipvs(loaded, deaf, now());
}

void Daemon::hear_signals() {
  signalfd_siginfo signal{};
  while (::read(ears_.signals.get(), &signal, sizeof(signal)) == sizeof(signal)) {
    if (signal.ssi_signo == SIGHUP) {
      document_due_ = now().steady;
      reverted_may_be_tried();
      refusals_.retry_now(now().steady);
      schedule_.start_afresh();
    } else {
      stopping_ = true;
    }
  }
}

void Daemon::pass() {
  const Moment begin = now();
  seen_.stale = schedule_.pass_begins(begin.steady);
  if (!document_ || !find_target()) {
    schedule_.pass_succeeded(begin.steady);
    return;
  }
  watch_sysctls();
  const auto report =
      reconcile_once(desired_, *kernel_, records_.ownership, refusals_, begin.steady, seen_);
  if (report) {
    schedule_.pass_succeeded(now().steady);
    conclude(*report, begin);
    if (!std::exchange(started_, true)) give_back_start_memory();
  } else {
    schedule_.pass_failed(now().steady);
    recorder_.pass_failed(report.error(), begin, now());
    log(LogLevel::kError, "pass failed: " + report.error().message);
  }
  listen_to_ipvs();
}

void Daemon::conclude(const PassReport& report, Moment begin) {
  for (const GainedAddress& gained : report.applied.gained) {
    if (!gained.announced)
      log(LogLevel::kError,
          "announce " + key_text(gained.key) + ": " + gained.announced.error().message);
    announcements_.emplace_back(now().steady + kSecondBurstDelay, gained.key);
  }
  for (const HistoryEntry& entry : recorder_.pass_made(report, refusals_, begin, now()))
    log_change(entry, recorder_.report().generation);
  keep_history();
  look_after_servers(report);
  if (report.remaining.in_sync() && !handover_)
    has_converged_now();
  else
    probation_.pass_left_something();
  // Our own changes raise no event: what they brought about unplanned needs a pass all the same.
  if (!report.remaining.in_sync() && !refusals_.next_attempt()) schedule_.wake({});
}

/// Neither the end of a connection nor time raises an event.
void Daemon::look_after_servers(const PassReport& report) {
  constexpr std::chrono::seconds kDrainsAreSeen{1};
  drain_begins_ = still_draining(drain_begins_, report.draining, now().steady);
  servers_due_ = desired_.next_change;
  if (!drain_begins_.empty())
    servers_due_ =
        std::min(servers_due_.value_or(SteadyTime::max()), now().steady + kDrainsAreSeen);
  recorder_.servers_are({desired_, premises_->health, report.draining, drain_begins_}, now());
}

void Daemon::keep_history() {
  const Status kept = records_.history.file.append(*recorder_.report().history);
  if (!kept) recorder_.state_file_failed();
  if (!kept && history_kept_) log(LogLevel::kWarning, "keep the history: " + kept.error().message);
  history_kept_ = kept.has_value();
}

void Daemon::announce_again() {
  while (!announcements_.empty() && announcements_.front().first <= now().steady) {
    const AddressKey key = announcements_.front().second;
    announcements_.erase(announcements_.begin());
    // Given up meanwhile: announcing it now would draw its packets here.
    if (!desired_.announced.contains(key)) continue;
    const Status sent =
        kernel_->announce(key.interface, key.prefix.address(), kAnnouncementsPerBurst);
    if (!sent) log(LogLevel::kWarning, "announce " + key_text(key) + ": " + sent.error().message);
  }
}

}  // namespace twobox
