// Changes in the log: as fields where the journal listens, as a line everywhere else.
#pragma once

#include <cstdint>

#include "reconciler/history.h"
#include "twobox/journal.h"

namespace twobox {

/// What one change tells the journal: MESSAGE, PRIORITY and fields of our own.
std::vector<JournalField> journal_fields(const HistoryEntry& entry, std::uint64_t generation);

/// For the daemon's loop only: not thread-safe.
void log_change(const HistoryEntry& entry, std::uint64_t generation);

}  // namespace twobox
