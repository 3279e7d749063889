// What the daemon does for the API: each request is acted on between two passes.
#include <variant>

#include "reconciler/resolve.h"
#include "schema/duration.h"
#include "twobox/daemon.h"
#include "twobox/files.h"
#include "twobox/log.h"

namespace twobox {

void Daemon::hear_requests() {
  for (LoopRequest& request : requests_.take())
    std::visit([this](auto& one) { act_on(std::move(one)); }, request);
}

void Daemon::act_on(RoleRequest request) {
  if (const Status changed = change_role(request); !changed) {
    request.answer.set_value(changed);
  } else {
    overrides_set_.push_back(std::move(request.answer));
  }
}

void Daemon::act_on(DrainRequest request) {
  if (const Status changed = change_drain(request); !changed) {
    request.answer.set_value(changed);
  } else {
    overrides_set_.push_back(std::move(request.answer));
  }
}

void Daemon::act_on(DocumentRequest request) {
  DocumentVerdict verdict = take_document(request);
  if (verdict.kind == DocumentVerdict::Kind::kInForce) {
    documents_taken_.emplace_back(std::move(request.answer), std::move(verdict));
  } else {
    request.answer.set_value(std::move(verdict));
  }
}

void Daemon::act_on(ConfirmRequest request) {
  documents_taken_.emplace_back(std::move(request.answer), confirm(request));
}

void Daemon::act_on(RollbackRequest request) {
  documents_taken_.emplace_back(std::move(request.answer), roll_back(request));
}

void Daemon::act_on(DiffRequest request) {
  request.answer.set_value(diff_of(request.document));
}

/// After the pass that acted on them, so that who asked finds what came of it in the status.
void Daemon::answer_requests() {
  for (std::promise<Status>& answer : overrides_set_) answer.set_value(success());
  overrides_set_.clear();
  for (auto& [answer, verdict] : documents_taken_) answer.set_value(std::move(verdict));
  documents_taken_.clear();
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

Status Daemon::change_drain(const DrainRequest& request) {
  auto name = document_ ? drain_name(*document_->document, request.name) : std::nullopt;
  // One that the document has lost meanwhile can still be ended.
  if (!request.deadline && !records_.drains.drains().contains(name.value_or(request.name)))
    return Error{ErrorKind::kInvalidDocument, 0,
                 "nobody asked for a drain of '" + request.name + "'"};
  if (request.deadline && !name)
    return Error{ErrorKind::kInvalidDocument, 0,
                 "the document has no node or real server '" + request.name + "'"};
  const std::string& known = name ? *name : request.name;
  if (const Status stored = records_.drains.set(known, request.deadline); !stored)
    return with_context(stored.error(), "nothing is drained or ended");
  log(LogLevel::kInfo, request.deadline ? "drain of " + known + " begins, at most " +
                                              duration_text(*request.deadline)
                                        : "drain of " + known + " ended");
  recorder_.drains_are(records_.drains.drains());
  recorder_.cause_noticed(Cause::kDrain, now());
  refusals_.retry_now(now().steady);
  schedule_.start_afresh();
  return success();
}

/// What an editor wrote a moment ago counts, too: who thinks to know the document must know that.
void Daemon::hear_editors() {
  if (source_ == DocumentSource::kFileAndApi && (ears_.document.drain() || document_due_))
    read_document();
}

DocumentVerdict Daemon::take_document(DocumentRequest& request) {
  hear_editors();
  if (!holds(request.condition, shown_.etag))
    return {DocumentVerdict::Kind::kPreconditionFailed, 0, shown_.etag, ""};
  const auto standpoint = standpoint_of(request.document);
  if (!standpoint && standpoint.error().kind == ErrorKind::kInvalidDocument)
    return {DocumentVerdict::Kind::kNotOurs, 0, shown_.etag, standpoint.error().message};
  if (request.confirm && !document_)
    return {DocumentVerdict::Kind::kNothingBefore, 0, shown_.etag,
            "there is no document yet that it could go back to: put this one without confirm"};
  const DocumentRecord before = documents();
  DocumentRecord next = before;
  next.reversal.reset();
  next.trial = trial_of(request);
  // A trial is on disk before its document; its end is not before the document that ends it.
  const bool confirms = before.trial && before.trial->etag == etag_of(request.text);
  Status stored = next.trial || confirms ? records_.documents.save(next) : success();
  if (stored) stored = store_document(request.text);
  if (!stored) {
    keep(before);
    return {DocumentVerdict::Kind::kNotStored, 0, shown_.etag, stored.error().message};
  }
  keep(std::move(next));
  put_by_api_ = true;
  tell_of_trials(before, etag_of(request.text));
  accept({std::move(request.text), std::move(request.document)});
  DocumentVerdict verdict{DocumentVerdict::Kind::kInForce, recorder_.report().generation,
                          shown_.etag, ""};
  if (documents().trial) verdict.confirm_until = documents().trial->until;
  return verdict;
}

/// Before it is in force: a restart must find what the caller was told.
Status Daemon::store_document(const std::string& text) {
  const Status stored = source_ == DocumentSource::kApi ? replace_file(options_.document, text)
                                                        : rewrite_file(options_.document, text);
  if (stored) return success();
  recorder_.state_file_failed();
  return with_context(stored.error(), "the document stays as it is");
}

Result<DiffReport> Daemon::diff_of(const std::optional<ValidDocument>& document) {
  if (!document && !document_)
    return Error{ErrorKind::kInvalidDocument, 0, "there is no document yet"};
  const ValidDocument& wanted = document ? *document : document_->document;
  auto standpoint = standpoint_of(wanted);
  if (!standpoint) return standpoint.error();
  const DesiredState desired =
      resolve(wanted, standpoint->node, roles_of(standpoint->roles), evidence());
  auto observed = kernel_->observe(scope_of(desired, records_.ownership.record()));
  if (!observed) return observed.error();
  return DiffReport{std::move(standpoint->node),
                    make_plan(desired, *observed, records_.ownership.record()),
                    std::move(observed->nft_rule_handles)};
}

}  // namespace twobox
