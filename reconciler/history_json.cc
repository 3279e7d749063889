#include "reconciler/history_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

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

/// Takes fields out of an object and remembers whether all were there and of their type.
class FieldReader {
 public:
  explicit FieldReader(const Json& object) : object_(object), good_(object.is_object()) {}

  std::string text(const char* name) {
    const Json field = get(name);
    good_ = good_ && field.is_string();
    return good_ ? field.get<std::string>() : "";
  }
  std::int64_t number(const char* name) {
    const Json field = get(name);
    good_ = good_ && field.is_number_integer();
    return good_ ? field.get<std::int64_t>() : 0;
  }
  std::optional<std::string> object(const char* name) {
    const Json field = get(name);
    good_ = good_ && (field.is_object() || field.is_null());
    if (!good_ || field.is_null()) return std::nullopt;
    return json_text(field);
  }
  std::optional<Error> error(const char* name) {
    const auto found = object(name);
    if (!found) return std::nullopt;
    const Json nested = get(name);
    FieldReader fields(nested);
    Error error{ErrorKind::kKernelRefused, static_cast<int>(fields.number("errno")),
                fields.text("message")};
    good_ = good_ && fields.good();
    return error;
  }
  bool good() const { return good_; }

 private:
  Json get(const char* name) const {
    const auto found = object_.find(name);
    // A discarded value is of no type, so that whoever asked for the field finds it missing.
    return found == object_.end() ? Json(Json::value_t::discarded) : *found;
  }

  const Json& object_;
  bool good_;
};

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
  const Json object = Json::parse(line, nullptr, /*allow_exceptions=*/false);
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
