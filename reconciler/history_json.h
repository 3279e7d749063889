// The history as JSON: for the API, and line by line for its file.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "reconciler/history.h"

namespace twobox {

/// {"format": 1, "entries": [...]}, newest last, one line without a newline at its end.
/// `limit`: the newest so many.
std::string history_json(const std::deque<HistoryEntry>& entries, std::size_t limit = SIZE_MAX);

/// One entry of it, on one line without a newline at its end.
std::string history_entry_json(const HistoryEntry& entry);

/// Reads history_entry_json()'s form; nullopt for anything else, half a line say.
std::optional<HistoryEntry> parse_history_entry(const std::string& line);

}  // namespace twobox
