// Documents that may go back: those that wait to be confirmed, and those that have yet to converge.
#include "schema/duration.h"
#include "twobox/daemon.h"
#include "twobox/files.h"
#include "twobox/history_log.h"
#include "twobox/log.h"

namespace twobox {
namespace {

/// Each was valid once; a later version of this program may know better.
std::optional<ValidDocument> valid_again(const KeptDocument& kept) {
  auto document = twobox::read_document(kept.text, kMaxLargeDocumentBytes);
  if (auto* const valid = std::get_if<ValidDocument>(&document)) return std::move(*valid);
  log(LogLevel::kError, "document " + kept.etag + ", to go back to, is not valid any more: " +
                            to_string(std::get<Faults>(document).front()));
  return std::nullopt;
}

}  // namespace

/// The document's file, seen beside what waits and what went back.
void Daemon::take_from_file(LoadedDocument loaded) {
  const std::string etag = etag_of(loaded.text);
  if (const auto trial = documents().trial) {
    const TrialStanding standing = standing_of(*trial, etag, boot_id_, now().steady);
    if (standing == TrialStanding::kOverdue) {
      revert_trial(etag);
      return;
    }
    if (standing != TrialStanding::kGoesOn) end_trial(*trial, standing);
  }
  const auto reversal = documents().reversal;
  if (reversal && reversal->still_in_file && reversal->etag == etag) {
    if (auto back = document_ ? std::nullopt : valid_again(reversal->back_to))
      accept({reversal->back_to.text, *std::move(back)});
    return;
  }
  if (reversal && (reversal->back_to.etag != etag || reversal->still_in_file)) {
    DocumentRecord next = documents();
    if (reversal->back_to.etag == etag)
      next.reversal->still_in_file = false;
    else
      next.reversal.reset();
    keep(std::move(next));
  }
  if (etag != shown_.etag) put_by_api_ = documents().trial.has_value();
  accept(std::move(loaded));
}

/// Somebody has written another document into the file.
void Daemon::end_trial(const DocumentTrial& trial, TrialStanding standing) {
  DocumentRecord next = documents();
  next.trial.reset();
  if (standing == TrialStanding::kWentBack) {
    const std::string message =
        "document " + trial.etag + " was not confirmed: " + trial.before.etag + " is back";
    next.reversal = Reversal{trial.etag,   ReversalReason::kNotConfirmed, message, now().wall,
                             trial.before, /*still_in_file=*/false};
    tell({"revert", trial.etag, message, trial.since});
  } else {
    tell({"overrule", trial.etag,
          "the file was edited while this document waited to be confirmed: the edit stays",
          trial.since});
  }
  keep(std::move(next));
}

/// `twobox apply` was killed before a word came; whoever started the daemon has said what holds.
void Daemon::end_trial_of_apply() {
  const auto trial = documents().trial;
  if (!trial || trial->owner != TrialOwner::kApply) return;
  DocumentRecord next = documents();
  next.trial.reset();
  keep(std::move(next));
  tell(
      {"overrule", trial->etag,
       "`twobox apply --confirm` was killed while it waited: the daemon's document takes its place",
       trial->since});
}

/// Before a pass, so that what is overdue at the daemon's start is never acted on.
void Daemon::revert_when_due() {
  const auto trial = documents().trial;
  if (!trial || standing_of(*trial, trial->etag, boot_id_, now().steady) != TrialStanding::kOverdue)
    return;
  // Somebody may have edited the file a moment ago.
  if (source_ != DocumentSource::kApi) {
    auto loaded = load_document(options_.document, options_.large);
    if (auto* const found = std::get_if<LoadedDocument>(&loaded)) {
      take_from_file(std::move(*found));
      return;
    }
  }
  revert_trial(trial->etag);
}

/// `etag`: of the document on trial, or of the one that was when a further one was not written yet.
void Daemon::revert_trial(const std::string& etag) {
  const DocumentTrial trial = *documents().trial;
  Reversal reversal{etag,
                    ReversalReason::kNotConfirmed,
                    "document " + etag + " was not confirmed by " + time_text(trial.until) + ": " +
                        trial.before.etag + " is in force again",
                    now().wall,
                    trial.before,
                    false};
  go_back(trial.before, std::move(reversal), trial.since, /*write=*/true);
}

/// What was left undone, beginning with what the kernel refused.
std::string Daemon::why_not_converged() const {
  const StatusReport& report = recorder_.report();
  std::string why = report.conditions.at("Converged").message;
  if (!report.refused.empty())
    why += ": " + report.refused.front().object + ": " + report.refused.front().error.message;
  else if (!report.missing.empty())
    why += ": " + report.missing.front();
  return why;
}

void Daemon::judge_probation() {
  if (!probation_.has_failed(now().steady)) return;
  probation_.end();
  const auto& trial = documents().trial;
  const KeptDocument* const to =
      trial ? &trial->before : document_back(documents(), shown_.etag, 1);
  const std::string failure = "document " + shown_.etag + " did not converge within " +
                              duration_text(Probation::kPatience) + " (" + why_not_converged() +
                              ")";
  if (to == nullptr) {
    log(LogLevel::kWarning, failure + ", and there is none to go back to: it stays");
    return;
  }
  const KeptDocument back_to = *to;
  go_back(back_to,
          Reversal{shown_.etag, ReversalReason::kNotConverged,
                   failure + ": " + back_to.etag + " is in force again", now().wall, back_to},
          document_since_, put_by_api_);
}

/// First the file, then the record: a process killed in between finds the document back. `write`:
/// the file may be written, if it still says what goes back; what an editor wrote may not.
void Daemon::go_back(const KeptDocument& to, Reversal reversal, WallTime since, bool write) {
  auto document = valid_again(to);
  DocumentRecord next = documents();
  next.trial.reset();
  if (!document) {
    keep(std::move(next));
    return;
  }
  const bool in_file = source_ == DocumentSource::kApi || file_says(reversal.etag);
  const bool may = source_ != DocumentSource::kFile && (source_ == DocumentSource::kApi || write);
  const Status stored = in_file && may ? store_document(to.text) : success();
  if (!stored) log(LogLevel::kError, stored.error().message);
  reversal.still_in_file = in_file && (!may || !stored);
  next.reversal = reversal;
  keep(std::move(next));
  accept({to.text, std::move(*document)});
  tell({"revert", reversal.etag, reversal.message, since});
}

/// Who asks for everything to be tried again means this, too.
void Daemon::reverted_may_be_tried() {
  DocumentRecord next = documents();
  if (!next.reversal || !next.reversal->still_in_file) return;
  next.reversal.reset();
  keep(std::move(next));
}

void Daemon::has_converged_now() {
  probation_.end();
  const auto& kept = documents().converged;
  if (!kept.empty() && kept.front().etag == shown_.etag) return;
  keep(with_converged(documents(), {shown_.etag, document_->text, now().wall}));
}

bool Daemon::file_says(const std::string& etag) const {
  const auto text = read_file(options_.document, kMaxLargeDocumentBytes);
  return text && etag_of(*text) == etag;
}

void Daemon::keep(DocumentRecord record) {
  if (const Status saved = records_.documents.save(record); !saved) {
    recorder_.state_file_failed();
    log(LogLevel::kWarning, "keep the record of documents: " + saved.error().message);
    records_.documents.assume(std::move(record));
  }
  recorder_.documents_are(documents(), now());
}

void Daemon::tell(const DocumentEvent& event) {
  log_change(recorder_.document_event(event, now()), recorder_.report().generation);
  keep_history();
}

std::optional<DocumentTrial> Daemon::trial_of(const DocumentRequest& request) const {
  if (!request.confirm) return std::nullopt;
  return next_trial(documents().trial, {shown_.etag, document_->text, document_since_},
                    etag_of(request.text),
                    {TrialOwner::kDaemon, boot_id_, now(), *request.confirm});
}

/// Says what a new document means for the one that waited, and whether it waits itself.
void Daemon::tell_of_trials(const DocumentRecord& before, const std::string& etag) {
  if (const auto& ended = before.trial; ended && !documents().trial) {
    if (etag == ended->before.etag)
      tell({"revert", ended->etag, "the document before was put again", ended->since});
    else
      tell({"confirm", ended->etag, "document " + etag + " was put to stay", ended->since});
  }
  if (const auto& trial = documents().trial)
    tell({"await", trial->etag,
          "in force until " + time_text(trial->until) + ", then back to " + trial->before.etag +
              ", unless it is confirmed",
          now().wall});
}

DocumentVerdict Daemon::confirm(const ConfirmRequest& request) {
  hear_editors();
  const auto trial = documents().trial;
  if (!holds(request.condition, shown_.etag))
    return {DocumentVerdict::Kind::kPreconditionFailed, 0, shown_.etag, ""};
  if (!trial)
    return {
        DocumentVerdict::Kind::kNotAwaited, 0, shown_.etag,
        documents().reversal ? documents().reversal->message : "no document waits to be confirmed"};
  DocumentRecord next = documents();
  next.trial.reset();
  if (const Status saved = records_.documents.save(std::move(next)); !saved) {
    recorder_.state_file_failed();
    return {DocumentVerdict::Kind::kNotStored, 0, shown_.etag,
            "it is not confirmed: " + saved.error().message};
  }
  recorder_.documents_are(documents(), now());
  tell({"confirm", trial->etag, "confirmed: it stays", trial->since});
  return {DocumentVerdict::Kind::kInForce, recorder_.report().generation, shown_.etag, ""};
}

DocumentVerdict Daemon::roll_back(RollbackRequest& request) {
  hear_editors();
  const KeptDocument* const to = document_back(documents(), shown_.etag, request.number);
  if (to == nullptr)
    return {DocumentVerdict::Kind::kNotKept, 0, shown_.etag,
            "no document is kept that is " + std::to_string(request.number) +
                " back; `twobox rollback --list` shows those that are"};
  auto document = twobox::read_document(to->text, kMaxLargeDocumentBytes);
  if (const auto* const faults = std::get_if<Faults>(&document))
    return {DocumentVerdict::Kind::kNotOurs, 0, shown_.etag,
            "document " + to->etag + " is not valid any more: " + to_string(faults->front())};
  DocumentRequest put{to->text,
                      std::get<ValidDocument>(std::move(document)),
                      std::move(request.condition),
                      std::nullopt,
                      {}};
  return take_document(put);
}

}  // namespace twobox
