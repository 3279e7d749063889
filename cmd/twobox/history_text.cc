#include "twobox/history_text.h"

namespace twobox {

std::string history_text(const HistoryEntry& entry) {
  const std::string begin = time_text(entry.at) + " " + std::string(to_string(entry.cause)) + ": " +
                            entry.action + " " + object_name(entry) + ": ";
  if (entry.error) return begin + "REFUSED: " + entry.error->message;
  return begin + entry.reason + " (after " + std::to_string(entry.duration.count()) + " ms)";
}

}  // namespace twobox
