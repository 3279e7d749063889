// `twobox apply --confirm`: what is needed beside the pass itself.
#pragma once

#include <string>

#include "backends/file_descriptor.h"
#include "reconciler/document_record.h"
#include "schema/error.h"

namespace twobox {

/// The trial that `apply` begins, with what the record says holds now. Errors: kUnavailable when
/// there is nothing to go back to, or when a daemon that is stopped has a document on trial.
/// nullopt: this document needs no confirmation.
Result<std::optional<DocumentTrial>> apply_trial(const DocumentRecord& record,
                                                 const std::string& etag,
                                                 const std::string& boot_id, Moment now,
                                                 std::chrono::milliseconds patience);

enum class TrialWord : std::uint8_t {
  kKeep,      // a line came
  kDeadline,  // nothing came in time
  kGone,      // whoever could have said it: end of input, or a signal
};

/// What ends the process while it waits for a word: SIGHUP of a terminal that is gone, and those by
/// hand. What would stop it, so that the deadline passed unseen, is ignored from here on.
Result<FileDescriptor> hold_signals();

/// What was typed at a terminal before anybody asked is no word.
void forget_what_was_typed(int input);

/// Blocks until a line comes from `input`, one of the signals, or the deadline.
TrialWord wait_for_word(int input, int signals, SteadyTime deadline);

}  // namespace twobox
