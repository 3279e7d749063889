// Reading back JSON that twobox has written, or that should be: an answer may come from anybody;
// internal to the files that do.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "reconciler/fields_json.h"
#include "reconciler/moment.h"

namespace twobox {

/// The value in `text`. A discarded one, which is of no type, if there is none, or if it is nested
/// deeper than anything twobox writes: to copy a value takes as much stack as it is deep.
nlohmann::ordered_json parse_written_json(std::string_view text);

/// Takes fields out of an object and remembers whether all were there and of their type.
class FieldReader {
 public:
  using Json = nlohmann::ordered_json;

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
  bool flag(const char* name) {
    const Json field = get(name);
    good_ = good_ && field.is_boolean();
    return good_ && field.get<bool>();
  }
  WallTime time(const char* name) {
    const auto time = parse_time(text(name));
    good_ = good_ && time;
    return time.value_or(WallTime{});
  }
  /// As it stands there, of any type.
  Json member(const char* name) {
    const Json field = get(name);
    good_ = good_ && !field.is_discarded();
    return field;
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
    expect(fields.good());
    return error;
  }
  /// For what the caller finds out by itself.
  void expect(bool holds) { good_ = good_ && holds; }
  bool good() const { return good_; }

 private:
  Json get(const char* name) const {
    const auto found = good_ ? object_.find(name) : object_.end();
    // A discarded value is of no type, so that whoever asked for the field finds it missing.
    return found == object_.end() ? Json(Json::value_t::discarded) : *found;
  }

  const Json& object_;
  bool good_;
};

}  // namespace twobox
