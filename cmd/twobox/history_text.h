// A change as one line for a person.
#pragma once

#include <string>

#include "reconciler/history.h"

namespace twobox {

/// "2026-01-02T03:04:05.678Z drift: delete address lo 172.16.0.30/32: why (after 12 ms)"; what was
/// refused ends with "REFUSED: why".
std::string history_text(const HistoryEntry& entry);

}  // namespace twobox
