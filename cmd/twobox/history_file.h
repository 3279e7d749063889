// The history in a file of the state directory, one line of JSON for each change.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "reconciler/history.h"
#include "schema/error.h"

namespace twobox {

struct OpenedHistory;

/// One file for each network namespace; what it tells of an earlier boot still counts.
///
/// Lines are appended without waiting for the disk: a killed process loses nothing, a power cut the
/// last seconds. What a kill, or a full disk, left of a line is passed over when it is read. The
/// file is written anew, beside itself and renamed, when it has twice the ring's bounds.
class HistoryFile {
 public:
  /// Never fails: a file that can't be read is replaced by the first append(), and `complaint` says
  /// why. Nothing is created.
  static OpenedHistory open(const std::string& state_directory, HistoryBounds bounds = {});

  /// Writes the entries that are not in the file yet. Error: kTransport with errno; they are
  /// written with the next append() then, as far as the ring still has them.
  Status append(const History& history);

 private:
  HistoryFile(std::string path, HistoryBounds bounds) : path_(std::move(path)), bounds_(bounds) {}
  History read(std::optional<std::string>& complaint);
  Status append_lines(const std::string& lines);
  Status write_anew(const History& history);

  std::string path_;
  HistoryBounds bounds_;
  std::size_t entries_ = 0;  // in the file
  std::size_t bytes_ = 0;
  std::uint64_t last_sequence_ = 0;  // in the file
  bool torn_ = false;                // it ends within a line
  bool replace_ = false;             // it is of no use
};

/// With the history that was found.
struct OpenedHistory {
  HistoryFile file;
  History history;
  std::optional<std::string> complaint;
};

}  // namespace twobox
