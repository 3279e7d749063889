// Which documents have proved themselves, which one waits to be confirmed, and which one went back
// by itself. Pure: every moment is an argument.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/moment.h"

namespace twobox {

/// A document as it was written; the ETag tells it from others.
struct KeptDocument {
  std::string etag;
  std::string text;
  WallTime at;  // when it was last found converged, or put in force
  friend bool operator==(const KeptDocument&, const KeptDocument&) = default;
};

/// Who goes back to the document before when nobody confirms.
enum class TrialOwner : std::uint8_t { kDaemon, kApply };

/// A document that is in force until somebody confirms it, or the deadline comes.
struct DocumentTrial {
  std::string etag;
  /// What stood in the document's file before this one was written there: a process that was killed
  /// in between leaves that one behind.
  std::string replaces;
  KeptDocument before;  // what it goes back to: the last one that needs no confirmation
  TrialOwner owner = TrialOwner::kDaemon;
  std::string boot_id;  // the deadline means nothing in another boot
  SteadyTime deadline;  // no clock that anybody sets moves it
  WallTime since;       // of the first document that nobody has confirmed
  WallTime until;       // the deadline as it looked on the wall
  friend bool operator==(const DocumentTrial&, const DocumentTrial&) = default;
};

enum class ReversalReason : std::uint8_t { kNotConfirmed, kNotConverged };
std::string_view to_string(ReversalReason reason);  // "NotConfirmed", as conditions have it

/// The last time a document went back by itself.
struct Reversal {
  std::string etag;  // of the one that is not in force any more
  ReversalReason reason = ReversalReason::kNotConfirmed;
  std::string message;  // what the status says of it
  WallTime at;
  KeptDocument back_to;
  bool still_in_file = false;  // the file says it still: that is no new word
  friend bool operator==(const Reversal&, const Reversal&) = default;
};

struct DocumentRecord {
  std::vector<KeptDocument> converged;  // each once, the latest first
  std::optional<DocumentTrial> trial;
  std::optional<Reversal> reversal;
  friend bool operator==(const DocumentRecord&, const DocumentRecord&) = default;
};

/// How many documents are kept: the latest, up to both; the latest two however large.
struct RecordBounds {
  std::size_t documents = 10;
  std::size_t bytes = std::size_t{16} << 20;  // of text
};

/// With a document that has converged as the latest.
DocumentRecord with_converged(DocumentRecord record, KeptDocument document,
                              RecordBounds bounds = {});

bool has_converged(const DocumentRecord& record, const std::string& etag);

/// Of the documents that have converged and are not the one in force, the `number`th, counted from
/// 1 at the latest; null if there are fewer.
const KeptDocument* document_back(const DocumentRecord& record, const std::string& etag_in_force,
                                  std::size_t number);

/// The time that a trial may take, from one second to a day: "60s", "10m". nullopt for others.
std::optional<std::chrono::milliseconds> parse_trial_time(std::string_view text);

/// Where and when a trial begins.
struct TrialBegin {
  TrialOwner owner = TrialOwner::kDaemon;
  std::string boot_id;
  Moment now;
  std::chrono::milliseconds patience;
};

/// The trial of `etag`, put in the place of `in_force`. With one that goes on it has a new deadline
/// and still goes back to what needs no confirmation. nullopt: that is what is put, so there is
/// nothing to confirm.
std::optional<DocumentTrial> next_trial(const std::optional<DocumentTrial>& going_on,
                                        const KeptDocument& in_force, const std::string& etag,
                                        const TrialBegin& begin);

enum class TrialStanding : std::uint8_t {
  kGoesOn,
  kOverdue,    // the deadline has passed, or the machine has booted since
  kWentBack,   // the document before is there again
  kOverruled,  // somebody has written another document
};

/// What became of a trial, by the document that is found in the file.
TrialStanding standing_of(const DocumentTrial& trial, const std::string& etag_found,
                          const std::string& boot_id, SteadyTime now);

}  // namespace twobox
