#include "reconciler/disturbances.h"

#include "reconciler/describe.h"

namespace twobox {

void Disturbances::note(const std::vector<HistoryEntry>& tried, Moment now) {
  std::erase_if(objects_,
                [&](const auto& object) { return object.second.last + kSoon < now.steady; });
  for (const HistoryEntry& entry : tried) {
    if (entry.error || entry.cause != Cause::kDrift) continue;
    Repairs& repairs =
        objects_.try_emplace(object_name(entry), Repairs{0, now.wall, {}}).first->second;
    ++repairs.times;
    repairs.last = now.steady;
  }
}

std::optional<Finding> Disturbances::finding(Moment now) const {
  std::string message;
  for (const auto& [name, repairs] : objects_) {
    if (repairs.times < kTooOften || repairs.last + kSoon < now.steady) continue;
    message += (message.empty() ? "" : "; ") + name + " was put back " +
               std::to_string(repairs.times) + " times since " + time_text(repairs.since);
  }
  if (message.empty()) return std::nullopt;
  return Finding{false, "Flapping", "something else keeps changing what is held here: " + message};
}

}  // namespace twobox
