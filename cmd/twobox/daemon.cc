#include "twobox/daemon.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "backends/sysctl/path.h"
#include "reconciler/describe.h"
#include "twobox/log.h"
#include "twobox/machine.h"

namespace twobox {
namespace {

/// A save is often several writes; half a document would only give a false alarm.
constexpr std::chrono::milliseconds kDocumentSettles{100};

Moment now() {
  return {std::chrono::steady_clock::now(), std::chrono::system_clock::now()};
}

std::string joined(const Faults& faults) {
  std::string text;
  for (const Fault& fault : faults) text += (text.empty() ? "" : "; ") + to_string(fault);
  return text;
}

std::set<std::string> watched_paths(const Scope& scope) {
  std::set<std::string> paths;
  for (const SysctlKey& key : scope.sysctls)
    if (const auto path = sysctl_path("/proc/sys", key)) paths.insert(*path);
  return paths;
}

std::set<std::string> fifos_of(const Document& document) {
  std::set<std::string> paths;
  for (const auto& [name, vip] : document.vips)
    if (const auto* keepalived = std::get_if<FollowKeepalived>(&vip.role))
      paths.insert(keepalived->fifo);
  return paths;
}

void log_outcome(const StepOutcome& outcome) {
  const Change& change = outcome.step.change;
  if (!outcome.error) {
    log(LogLevel::kInfo, std::string(to_string(describe(change).action)) + " " +
                             object_name(change) + ": " + outcome.step.reason);
  } else if (outcome.tried) {
    log(LogLevel::kError, object_name(change) + ": " + outcome.error->message);
  }
}

}  // namespace

Daemon::Daemon(DaemonOptions options, std::unique_ptr<Backend> kernel, Records records, Ears ears,
               StatusBoard& board, RoleRequests& requests)
    : options_(std::move(options)),
      kernel_(std::move(kernel)),
      records_(std::move(records)),
      ears_(std::move(ears)),
      board_(board),
      requests_(requests),
      schedule_(options_.resync),
      recorder_(options_.document, now()) {}

void Daemon::run() {
  read_document();
  if (!document_) fall_back_to_last_good();
  while (!stopping_) {
    const SteadyTime time = now().steady;
    if (document_due_ && *document_due_ <= time) read_document();
    if (schedule_.next(refusals_.next_attempt()) <= time) pass();
    announce_again();
    board_.show(recorder_.report());
    answer_requests();
    wait();
    hear();
  }
  log(LogLevel::kInfo, "stopped; addresses, services and rules stay as they are");
}

void Daemon::wait() {
  std::vector<pollfd> waiting = {{ears_.signals.get(), POLLIN, 0},
                                 {ears_.document.fd(), POLLIN, 0},
                                 {ears_.sysctls.fd(), POLLIN, 0},
                                 {requests_.fd(), POLLIN, 0}};
  for (const int fd : ears_.kernel.fds()) waiting.push_back({fd, POLLIN, 0});
  for (const int fd : fifos_.fds()) waiting.push_back({fd, POLLIN, 0});
  ::poll(waiting.data(), waiting.size(), milliseconds_to_sleep());
}

int Daemon::milliseconds_to_sleep() const {
  SteadyTime due = schedule_.next(refusals_.next_attempt());
  if (document_due_) due = std::min(due, *document_due_);
  if (!announcements_.empty()) due = std::min(due, announcements_.front().first);
  if (const auto promotion = promotions_.next()) due = std::min(due, *promotion);
  const SteadyTime time = now().steady;
  if (due <= time) return 0;
  // Rounded up: waking a little early would spin.
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(due - time).count());
}

void Daemon::hear() {
  hear_signals();
  hear_requests();
  const KernelWake wake = ears_.kernel.drain();
  // Each is emptied, whatever the others say.
  const bool sysctls = ears_.sysctls.drain();
  const bool keepalived = fifos_.drain();
  const auto promotion = promotions_.next();
  const bool promoted = promotion && *promotion <= now().steady;
  if (wake.any() || sysctls || keepalived || promoted) schedule_.wake();
  // An interface that was missing may be there now.
  if (wake.links_or_addresses || wake.overrun) refusals_.retry_unavailable(now().steady);
  if (ears_.document.drain()) document_due_ = now().steady + kDocumentSettles;
}

void Daemon::hear_signals() {
  signalfd_siginfo signal{};
  while (::read(ears_.signals.get(), &signal, sizeof(signal)) == sizeof(signal)) {
    if (signal.ssi_signo == SIGHUP) {
      document_due_ = now().steady;
      refusals_.retry_now(now().steady);
      schedule_.start_afresh();
    } else {
      stopping_ = true;
    }
  }
}

void Daemon::hear_requests() {
  for (RoleRequest& request : requests_.take()) {
    const Status changed = change_role(request);
    if (changed) {
      unanswered_.push_back(std::move(request));
    } else {
      request.answer.set_value(changed);
    }
  }
}

Status Daemon::change_role(const RoleRequest& request) {
  if (!document_ || !document_->document->vips.contains(request.vip))
    return Error{ErrorKind::kInvalidDocument, 0, "the document has no vip '" + request.vip + "'"};
  if (const Status stored = records_.roles.set(request.vip, request.role); !stored)
    return with_context(stored.error(), "the role stays as it is");
  log(LogLevel::kInfo, "role of vip " + request.vip + " set by hand: " +
                           (request.role ? std::string(to_string(*request.role)) : "document"));
  refusals_.retry_now(now().steady);
  schedule_.start_afresh();
  return success();
}

/// After the pass that acted on them, so that who asked finds the new role in the status.
void Daemon::answer_requests() {
  for (RoleRequest& request : unanswered_) request.answer.set_value(success());
  unanswered_.clear();
}

void Daemon::read_document() {
  document_due_.reset();
  auto loaded = load_document(options_.document, options_.large);
  if (auto* document = std::get_if<LoadedDocument>(&loaded)) {
    accept(std::move(*document));
  } else if (const auto* error = std::get_if<Error>(&loaded)) {
    refuse("Unreadable", error->message);
  } else {
    refuse("Invalid", joined(std::get<Faults>(loaded)));
  }
}

void Daemon::accept(LoadedDocument loaded) {
  refused_text_.clear();
  const bool same = document_ && document_->document == loaded.document;
  if (same) {
    recorder_.document_still_valid(now());
    return;
  }
  if (const Status saved = save_last_good(options_.state_directory, options_.document, loaded.text);
      !saved)
    log(LogLevel::kWarning, "keep the last good document: " + saved.error().message);
  document_ = std::move(loaded);
  recorder_.document_accepted(now());
  log(LogLevel::kInfo, "document " + options_.document + ": generation " +
                           std::to_string(recorder_.report().generation) + " is in force");
  refusals_.retry_now(now().steady);
  schedule_.start_afresh();
}

void Daemon::refuse(const std::string& reason, const std::string& message) {
  recorder_.document_refused(reason, message, now());
  if (message == refused_text_) return;
  refused_text_ = message;
  log(LogLevel::kError, "document refused: " + message);
  if (document_) log(LogLevel::kWarning, "the last good document stays in force");
}

void Daemon::fall_back_to_last_good() {
  auto loaded =
      load_document(last_good_path(options_.state_directory, options_.document), /*large=*/true);
  auto* document = std::get_if<LoadedDocument>(&loaded);
  if (document == nullptr) {
    log(LogLevel::kWarning, "no valid document yet: nothing is changed until there is one");
    return;
  }
  log(LogLevel::kWarning, "the last good document of an earlier run is in force");
  document_ = std::move(*document);
  recorder_.fell_back(now());
}

bool Daemon::find_target() {
  fifos_.set_watched(fifos_of(*document_->document));
  fifos_.drain();
  auto standpoint = take_standpoint(document_->document, options_.node,
                                    {records_.roles.roles(), fifos_.faults()}, *kernel_);
  if (!standpoint) {
    if (recorder_.not_identified(standpoint.error(), now()))
      log(LogLevel::kError, standpoint.error().message);
    return false;
  }
  recorder_.identified(standpoint->node, standpoint->roles, now());
  desired_ = resolve(document_->document, standpoint->node,
                     promotions_.act_on(*document_->document, standpoint->roles, now().steady));
  return true;
}

void Daemon::pass() {
  schedule_.pass_begins();
  const Moment begin = now();
  if (!document_ || !find_target()) {
    schedule_.pass_succeeded(begin.steady);
    return;
  }
  if (const Status watched =
          ears_.sysctls.set_watched(watched_paths(scope_of(desired_, records_.ownership.record())));
      !watched)
    log(LogLevel::kWarning, watched.error().message);
  const auto report =
      reconcile_once(desired_, *kernel_, records_.ownership, refusals_, begin.steady);
  if (report) {
    schedule_.pass_succeeded(now().steady);
    conclude(*report, begin);
  } else {
    schedule_.pass_failed(now().steady);
    recorder_.pass_failed(report.error(), begin, now());
    log(LogLevel::kError, "pass failed: " + report.error().message);
  }
}

void Daemon::conclude(const PassReport& report, Moment begin) {
  for (const StepOutcome& outcome : report.applied.outcomes) log_outcome(outcome);
  for (const GainedAddress& gained : report.applied.gained) {
    if (!gained.announced)
      log(LogLevel::kError,
          "announce " + key_text(gained.key) + ": " + gained.announced.error().message);
    announcements_.emplace_back(now().steady + kSecondBurstDelay, gained.key);
  }
  recorder_.pass_made(report, refusals_, begin, now());
  // Our own changes raise no event: what they brought about unplanned needs a pass all the same.
  if (!report.remaining.in_sync() && !refusals_.next_attempt()) schedule_.wake();
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
