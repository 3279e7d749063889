// What was changed, why, and how it went: a ring of the newest changes.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "reconciler/moment.h"
#include "reconciler/reconcile.h"
#include "schema/error.h"

namespace twobox {

enum class Cause : std::uint8_t { kDocument, kRole, kHealth, kDrain, kDrift };
std::string_view to_string(Cause cause);  // "document" ...
std::optional<Cause> cause_from_text(std::string_view text);

/// A change that was made or refused.
struct HistoryEntry {
  std::uint64_t sequence = 0;  // counts up from 1, also across restarts; 0: not in a ring yet
  WallTime at;                 // the end of the pass that tried it
  Cause cause = Cause::kDrift;
  std::string action;                 // create, update, delete
  std::string kind;                   // the contract's word: "ipvs_service"
  std::string key;                    // "tcp 172.16.0.30:80"
  std::optional<std::string> before;  // one JSON object each, as in the diff
  std::optional<std::string> after;
  std::string reason;
  /// From the moment its cause was noticed to `at`. Noticed is: a document, when it was accepted; a
  /// role, when the loop first acted on it; health and drains likewise; drift, when the pass that
  /// found it began.
  std::chrono::milliseconds duration{0};
  std::optional<Error> error;  // absent: carried out
  friend bool operator==(const HistoryEntry&, const HistoryEntry&) = default;
};
/// "ipvs_service tcp 172.16.0.30:80".
std::string object_name(const HistoryEntry& entry);

/// How much the ring holds: the newest, up to both.
struct HistoryBounds {
  std::size_t entries = 1000;
  std::size_t bytes = std::size_t{1} << 20;  // of text
};

class History {
 public:
  explicit History(HistoryBounds bounds = {}) : bounds_(bounds) {}

  /// Gives the entry its number; the oldest leave. The newest stays, however large.
  void add(HistoryEntry entry);

  /// Takes in an entry with the number it has. False if one of that number or a later one is here.
  bool restore(HistoryEntry entry);

  const std::deque<HistoryEntry>& entries() const { return entries_; }  // newest last
  /// Those with numbers above `sequence`.
  std::vector<HistoryEntry> after(std::uint64_t sequence) const;
  std::uint64_t last_sequence() const { return last_sequence_; }
  const HistoryBounds& bounds() const { return bounds_; }

 private:
  HistoryBounds bounds_;
  std::deque<HistoryEntry> entries_;
  std::size_t bytes_ = 0;
  std::uint64_t last_sequence_ = 0;
};

/// Decides what each change of a pass is due to. Pure: every moment is an argument.
///
/// A change that a pass could not make keeps its cause until it is made; one that comes up anew is
/// due to what was noticed since the last pass, a document before a role before health before a
/// drain. When nothing was, a server that has drained is due to that, and all else to drift.
class Causes {
 public:
  void notice(Cause cause, Moment when);

  /// One entry for each change that was tried, in order.
  std::vector<HistoryEntry> explain(const PassReport& pass, Moment begin, Moment end);

 private:
  struct Due {
    Cause cause;
    Moment noticed;
  };
  std::optional<Due> news_;           // since the last pass
  std::map<std::string, Due> open_;   // by object, what the last pass left undone
  std::set<RealServerKey> draining_;  // when the last pass ended
};

}  // namespace twobox
