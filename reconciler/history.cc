#include "reconciler/history.h"

#include <algorithm>
#include <array>

#include "reconciler/describe.h"
#include "reconciler/fields_json.h"

namespace twobox {
namespace {

constexpr std::array<std::string_view, 5> kCauses = {"document", "role", "health", "drain",
                                                     "drift"};

/// The last pass left the server to drain, and now it goes.
bool has_drained(const Change& change, const std::set<RealServerKey>& draining) {
  const auto* const server = std::get_if<RealServerChange>(&change);
  return server != nullptr && !server->after && draining.contains(server->key);
}

std::size_t bytes_of(const HistoryEntry& entry) {
  return entry.key.size() + entry.reason.size() + entry.before.value_or("").size() +
         entry.after.value_or("").size() + (entry.error ? entry.error->message.size() : 0);
}

std::optional<std::string> json_if(const std::optional<Fields>& fields) {
  if (!fields) return std::nullopt;
  return json_text(fields_json(*fields));
}

}  // namespace

std::string_view to_string(Cause cause) {
  return kCauses.at(static_cast<std::size_t>(cause));
}

std::optional<Cause> cause_from_text(std::string_view text) {
  const auto* const found = std::ranges::find(kCauses, text);
  if (found == kCauses.end()) return std::nullopt;
  return static_cast<Cause>(found - kCauses.begin());
}

std::string object_name(const HistoryEntry& entry) {
  return entry.kind + " " + entry.key;
}

void History::add(HistoryEntry entry) {
  entry.sequence = last_sequence_ + 1;
  restore(std::move(entry));
}

bool History::restore(HistoryEntry entry) {
  if (entry.sequence <= last_sequence_) return false;
  last_sequence_ = entry.sequence;
  bytes_ += bytes_of(entry);
  entries_.push_back(std::move(entry));
  while (entries_.size() > 1 && (entries_.size() > bounds_.entries || bytes_ > bounds_.bytes)) {
    bytes_ -= bytes_of(entries_.front());
    entries_.pop_front();
  }
  return true;
}

std::vector<HistoryEntry> History::after(std::uint64_t sequence) const {
  const auto first = std::ranges::upper_bound(entries_, sequence, {}, &HistoryEntry::sequence);
  return {first, entries_.end()};
}

void Causes::notice(Cause cause, Moment when) {
  if (!news_ || cause < news_->cause) news_ = Due{cause, when};
}

std::vector<HistoryEntry> Causes::explain(const PassReport& pass, Moment begin, Moment end) {
  const Due fresh = news_.value_or(Due{Cause::kDrift, begin});
  news_.reset();
  std::map<std::string, Due> dues;  // asked for by what is left, which is seldom anything
  std::vector<HistoryEntry> entries;
  for (std::size_t i = 0; i < pass.applied.outcomes.size(); ++i) {
    const Step& step = pass.planned.steps[i];
    const auto& [error, tried] = pass.applied.outcomes[i];
    const auto known = open_.empty() ? open_.end() : open_.find(object_name(step.change));
    Due due = known == open_.end() ? fresh : known->second;
    if (due.cause == Cause::kDrift && has_drained(step.change, draining_))
      due.cause = Cause::kDrain;
    if (!pass.remaining.in_sync()) dues.emplace(object_name(step.change), due);
    if (!tried) continue;
    const Description change = describe(step.change);
    entries.push_back(
        {0, end.wall, due.cause, std::string(to_string(change.action)), std::string(change.kind),
         change.key, json_if(change.before), json_if(change.after), step.reason,
         std::chrono::duration_cast<std::chrono::milliseconds>(end.steady - due.noticed.steady),
         error});
  }
  open_.clear();
  for (const Step& step : pass.remaining.steps) {
    const std::string name = object_name(step.change);
    const auto due = dues.find(name);
    open_.emplace(name, due == dues.end() ? Due{Cause::kDrift, end} : due->second);
  }
  draining_.clear();
  for (const auto& [server, connections] : pass.draining) draining_.insert(server);
  return entries;
}

}  // namespace twobox
