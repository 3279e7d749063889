#include "twobox/history_log.h"

#include <unistd.h>

#include <cstdlib>

#include "twobox/log.h"

namespace twobox {
namespace {

LogLevel level_of(const HistoryEntry& entry) {
  if (entry.error) return LogLevel::kError;
  return entry.action == "revert" ? LogLevel::kWarning : LogLevel::kInfo;
}

std::string message_of(const HistoryEntry& entry) {
  if (entry.error) return object_name(entry) + ": " + entry.error->message;
  return entry.action + " " + object_name(entry) + ": " + entry.reason;
}

}  // namespace

std::vector<JournalField> journal_fields(const HistoryEntry& entry, std::uint64_t generation) {
  return {{"MESSAGE", message_of(entry)},
          {"PRIORITY", std::to_string(static_cast<int>(level_of(entry)))},
          {"SYSLOG_IDENTIFIER", "twobox"},
          {"TWOBOX_ACTION", entry.action},
          {"TWOBOX_KIND", entry.kind},
          {"TWOBOX_OBJECT", object_name(entry)},
          {"TWOBOX_CAUSE", std::string(to_string(entry.cause))},
          {"TWOBOX_GENERATION", std::to_string(generation)},
          {"TWOBOX_ERRNO", std::to_string(entry.error ? entry.error->errno_value : 0)}};
}

void log_change(const HistoryEntry& entry, std::uint64_t generation) {
  static const bool kUnderJournal = is_journal_stream(STDERR_FILENO, std::getenv("JOURNAL_STREAM"));
  static const Journal kJournal;
  if (kUnderJournal && kJournal.send(journal_fields(entry, generation))) return;
  log(level_of(entry), message_of(entry));
}

}  // namespace twobox
