#include "reconciler/document_record.h"

#include <algorithm>

#include "schema/duration.h"

namespace twobox {
namespace {

constexpr std::chrono::hours kLongestTrial{24};
/// The one in force, and the one to go back to.
constexpr std::size_t kAlwaysKept = 2;

}  // namespace

std::string_view to_string(ReversalReason reason) {
  return reason == ReversalReason::kNotConfirmed ? "NotConfirmed" : "NotConverged";
}

DocumentRecord with_converged(DocumentRecord record, KeptDocument document, RecordBounds bounds) {
  auto& kept = record.converged;
  std::erase_if(kept, [&](const KeptDocument& one) { return one.etag == document.etag; });
  kept.insert(kept.begin(), std::move(document));
  std::size_t bytes = 0;
  std::size_t count = 0;
  while (count < kept.size()) {
    bytes += kept[count].text.size();
    if (count >= kAlwaysKept && (count >= bounds.documents || bytes > bounds.bytes)) break;
    ++count;
  }
  kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(count), kept.end());
  return record;
}

bool has_converged(const DocumentRecord& record, const std::string& etag) {
  return std::ranges::find(record.converged, etag, &KeptDocument::etag) != record.converged.end();
}

const KeptDocument* document_back(const DocumentRecord& record, const std::string& etag_in_force,
                                  std::size_t number) {
  for (const KeptDocument& document : record.converged)
    if (document.etag != etag_in_force && --number == 0) return &document;
  return nullptr;
}

std::optional<std::chrono::milliseconds> parse_trial_time(std::string_view text) {
  const auto time = parse_duration(text);
  if (!time || *time < std::chrono::seconds(1) || *time > kLongestTrial) return std::nullopt;
  return time;
}

std::optional<DocumentTrial> next_trial(const std::optional<DocumentTrial>& going_on,
                                        const KeptDocument& in_force, const std::string& etag,
                                        const TrialBegin& begin) {
  const KeptDocument& before = going_on ? going_on->before : in_force;
  if (before.etag == etag) return std::nullopt;
  return DocumentTrial{etag,
                       in_force.etag,
                       before,
                       begin.owner,
                       begin.boot_id,
                       begin.now.steady + begin.patience,
                       going_on ? going_on->since : begin.now.wall,
                       begin.now.wall + begin.patience};
}

TrialStanding standing_of(const DocumentTrial& trial, const std::string& etag_found,
                          const std::string& boot_id, SteadyTime now) {
  if (etag_found == trial.before.etag) return TrialStanding::kWentBack;
  if (etag_found != trial.etag && etag_found != trial.replaces) return TrialStanding::kOverruled;
  // A deadline further off than any that is given belongs to another clock.
  const bool runs =
      trial.boot_id == boot_id && trial.deadline > now && trial.deadline - now <= kLongestTrial;
  return runs ? TrialStanding::kGoesOn : TrialStanding::kOverdue;
}

}  // namespace twobox
