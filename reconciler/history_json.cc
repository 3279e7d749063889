#include "reconciler/history_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "reconciler/field_reader.h"
#include "reconciler/fields_json.h"

namespace twobox {
namespace {

using Json = nlohmann::ordered_json;

Json object_or_null(const std::optional<std::string>& text) {
  return text ? Json::parse(*text, nullptr, /*allow_exceptions=*/false) : Json(nullptr);
}

Json entry_json(const HistoryEntry& entry) {
  return {{"sequence", entry.sequence},
          {"at", time_text(entry.at)},
          {"cause", to_string(entry.cause)},
          {"action", entry.action},
          {"kind", entry.kind},
          {"key", entry.key},
          {"object", object_name(entry)},
          {"before", object_or_null(entry.before)},
          {"after", object_or_null(entry.after)},
          {"reason", entry.reason},
          {"duration_ms", entry.duration.count()},
          {"error", error_json(entry.error)}};
}

}  // namespace

std::string history_json(const std::deque<HistoryEntry>& entries, std::size_t limit) {
  Json list = Json::array();
  const std::size_t first = entries.size() - std::min(limit, entries.size());
  for (std::size_t i = first; i < entries.size(); ++i) list.push_back(entry_json(entries[i]));
  return json_text({{"format", 1}, {"entries", std::move(list)}});
}

std::string history_entry_json(const HistoryEntry& entry) {
  return json_text(entry_json(entry));
}

std::optional<HistoryEntry> parse_history_entry(const std::string& line) {
  const Json object = parse_written_json(line);
  FieldReader fields(object);
  const std::int64_t sequence = fields.number("sequence");
  const auto at = parse_time(fields.text("at"));
  const auto cause = cause_from_text(fields.text("cause"));
  HistoryEntry entry{.sequence = static_cast<std::uint64_t>(sequence),
                     .at = at.value_or(WallTime{}),
                     .cause = cause.value_or(Cause::kDrift),
                     .action = fields.text("action"),
                     .kind = fields.text("kind"),
                     .key = fields.text("key"),
                     .before = fields.object("before"),
                     .after = fields.object("after"),
                     .reason = fields.text("reason"),
                     .duration = std::chrono::milliseconds(fields.number("duration_ms")),
                     .error = fields.error("error")};
  if (!fields.good() || !at || !cause || sequence <= 0) return std::nullopt;
  return entry;
}

}  // namespace twobox
