#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <thread>

#include "api/etag.h"
#include "reconciler/expected_plan.h"
#include "twobox/apply_trial.h"
#include "twobox/commands.h"
#include "twobox/document_store.h"
#include "twobox/files.h"
#include "twobox/log.h"
#include "twobox/machine_ids.h"
#include "twobox/pass.h"
#include "twobox/state_directory.h"

namespace twobox {
namespace {

constexpr std::size_t kMaxPlanBytes = std::size_t{256} << 20;

int complain_and_fail(const Error& error) {
  complain(error.message);
  return 1;
}

Moment now() {
  return {std::chrono::steady_clock::now(), std::chrono::system_clock::now()};
}

/// Switches and neighbours that missed the first burst hear the second, as keepalived has it.
void announce_again(const PassReport& pass, Backend& kernel) {
  for (const GainedAddress& gained : pass.applied.gained)
    if (const Status sent = kernel.announce(gained.key.interface, gained.key.prefix.address(),
                                            kAnnouncementsPerBurst);
        !sent)
      complain(sent.error().message);
}

int exit_status(const PassReport& pass) {
  return pass.remaining.in_sync() && pass.draining.empty() ? 0 : 1;
}

/// What is left to do for a pass that nobody need confirm.
int finish(const PassReport& pass, Backend& kernel) {
  if (!pass.applied.gained.empty()) std::this_thread::sleep_for(kSecondBurstDelay);
  announce_again(pass, kernel);
  return exit_status(pass);
}

/// What a pass works with beside its target.
struct Workshop {
  const ApplyOptions& options;
  OwnershipFile& ownership;
  DocumentStore& documents;
};

/// Of what was done nothing is lost by this.
void keep(DocumentStore& documents, DocumentRecord record) {
  if (const Status saved = documents.save(std::move(record)); !saved)
    complain("keep the record of documents: " + saved.error().message);
}

/// One pass, and what is to be said of it; nullopt if it could not be made.
std::optional<PassReport> carry_out(const Target& target, const Workshop& with,
                                    const PlanLeave& leave) {
  Refusals refusals;
  Sighting nothing;
  auto pass = reconcile_once(target.desired, *target.kernel, with.ownership, refusals,
                             std::chrono::steady_clock::now(), nothing, leave);
  if (!pass) {
    complain(pass.error().message);
    return std::nullopt;
  }
  if (pass->remaining.in_sync())
    keep(with.documents,
         with_converged(with.documents.record(), {etag_of(target.text), target.text, now().wall}));
  print_pass(target.node, *pass, with.options.what.format);
  complain_about(*pass);
  std::fflush(stdout);
  return *std::move(pass);
}

/// Leave for the plan that was saved in a file, and for no other.
PlanLeave leave_for(const std::string& file, const NodeName& node) {
  return [file, node](const Plan& plan) -> Status {
    const auto saved = read_file(file, kMaxPlanBytes);
    if (!saved) return with_context(saved.error(), "nothing was changed");
    const auto differences = plan_differences(*saved, {node, plan, {}});
    if (!differences) return with_context(differences.error(), "nothing was changed: " + file);
    for (const std::string& line : *differences) complain(line);
    if (differences->empty()) return success();
    return Error{ErrorKind::kUnavailable, 0,
                 "nothing was changed: this is not the plan in " + file};
  };
}

void end_trial(DocumentStore& documents) {
  DocumentRecord record = documents.record();
  record.trial.reset();
  keep(documents, std::move(record));
}

/// To what held before. The trial stays on record until that is done.
void go_back(const DocumentTrial& trial, const Workshop& with) {
  auto document = read_document(trial.before.text, kMaxLargeDocumentBytes);
  if (const auto* const faults = std::get_if<Faults>(&document)) {
    complain("document " + trial.before.etag +
             ", to go back to, is not valid any more: " + to_string(faults->front()));
    return;
  }
  const auto target = target_of({trial.before.text, std::get<ValidDocument>(std::move(document))},
                                with.options.what);
  if (!target) return;
  const auto pass = carry_out(*target, with, nullptr);
  if (!pass) return;
  end_trial(with.documents);
  complain("document " + trial.before.etag + " is in force again");
  finish(*pass, *target->kernel);
}

/// The second burst of announcements is sent while it waits.
TrialWord wait_and_announce(const DocumentTrial& trial, int signals, const PassReport& pass,
                            Backend& kernel) {
  const SteadyTime second_burst = now().steady + kSecondBurstDelay;
  if (!pass.applied.gained.empty() && second_burst < trial.deadline) {
    const TrialWord word = wait_for_word(STDIN_FILENO, signals, second_burst);
    if (word != TrialWord::kDeadline) return word;
    announce_again(pass, kernel);
  }
  return wait_for_word(STDIN_FILENO, signals, trial.deadline);
}

int wait_to_be_confirmed(const DocumentTrial& trial, int signals, const PassReport& pass,
                         const Target& target, const Workshop& with) {
  forget_what_was_typed(STDIN_FILENO);
  complain("Enter keeps this; otherwise document " + trial.before.etag + " is in force again at " +
           time_text(trial.until));
  const TrialWord word = wait_and_announce(trial, signals, pass, *target.kernel);
  if (word == TrialWord::kKeep) {
    end_trial(with.documents);
    complain("confirmed: it stays");
    return exit_status(pass);
  }
  complain(word == TrialWord::kDeadline ? "not confirmed in time" : "nobody is there to confirm");
  go_back(trial, with);
  return 1;
}

/// The trial is on disk before anything is changed, and not if nothing may be.
int apply_on_trial(const Target& target, const Workshop& with, const PlanLeave& leave) {
  const auto boot = boot_id();
  if (!boot) return complain_and_fail(boot.error());
  const auto trial = apply_trial(with.documents.record(), etag_of(target.text), *boot, now(),
                                 parse_trial_time(*with.options.confirm).value());
  if (!trial) return complain_and_fail(trial.error());
  if (!*trial) {
    complain("this document has converged before and is the one to go back to: it stays");
    const auto pass = carry_out(target, with, leave);
    return pass ? finish(*pass, *target.kernel) : 1;
  }
  const auto signals = hold_signals();
  if (!signals) return complain_and_fail(signals.error());
  bool begun = false;
  const auto pass = carry_out(target, with, [&](const Plan& plan) -> Status {
    if (leave)
      if (const Status given = leave(plan); !given) return given;
    DocumentRecord record = with.documents.record();
    record.trial = **trial;
    const Status saved = with.documents.save(std::move(record));
    begun = saved.has_value();
    return begun ? success() : with_context(saved.error(), "nothing was changed");
  });
  if (pass) return wait_to_be_confirmed(**trial, signals->get(), *pass, target, with);
  if (begun) go_back(**trial, with);
  return 1;
}

/// What an `apply --confirm` that was killed has left.
void say_what_was_left(const DocumentRecord& record) {
  if (!record.trial) return;
  if (record.trial->owner == TrialOwner::kApply)
    complain("`twobox apply --confirm` of document " + record.trial->etag + ", " +
             time_text(record.trial->since) +
             ", was killed while it waited to be confirmed; what it changed is there still");
  else
    complain("the daemon, which does not run, has put document " + record.trial->etag +
             " that waits to be confirmed; once started it goes by that again");
}

}  // namespace

int run_apply(const ApplyOptions& options) {
  if (options.dry_run) return run_diff(options.what) == 0 ? 0 : 1;
  const auto target = find_target(options.what);
  if (!target) return 1;
  const auto lock = ChangeLock::take(options.what.state_directory);
  if (!lock) return complain_and_fail(lock.error());
  auto ownership = OwnershipFile::open(options.what.state_directory);
  if (!ownership) return complain_and_fail(ownership.error());
  auto documents = DocumentStore::open(options.what.state_directory);
  if (documents.complaint) complain(*documents.complaint);
  const Workshop with{options, *ownership, documents.store};
  const PlanLeave leave = options.expect ? leave_for(*options.expect, target->node) : nullptr;
  say_what_was_left(with.documents.record());
  if (options.confirm) return apply_on_trial(*target, with, leave);
  const auto pass = carry_out(*target, with, leave);
  if (!pass) return 1;
  const auto& trial = with.documents.record().trial;
  if (trial && trial->owner == TrialOwner::kApply) end_trial(with.documents);
  return finish(*pass, *target->kernel);
}

}  // namespace twobox
