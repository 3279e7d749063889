#include "schema/reader.h"

#include <algorithm>

namespace twobox {
namespace {

std::string range_text(std::uint64_t min, std::uint64_t max) {
  if (min == max) return "exactly " + std::to_string(min);
  return "a whole number from " + std::to_string(min) + " to " + std::to_string(max);
}

std::string unknown_key(std::string_view key, std::span<const std::string_view> known) {
  std::string found = "an unknown key";
  const std::string_view meant = nearest_word(key, known);
  if (!meant.empty()) found += " (did you mean " + in_quotes(meant) + "?)";
  return found;
}

}  // namespace

Field Field::missing(std::uint32_t position, std::string pointer, FaultLog& log) {
  return Field(position, std::move(pointer), log);
}

void Field::refuse_as(std::string_view found, std::string_view allowed) const {
  log_->add(position_, pointer_, found_allowed(found, allowed));
}

void Field::refuse(std::string_view allowed) const {
  refuse_as(value_ == nullptr ? "nothing" : shown(*value_), allowed);
}

void Field::refuse_because(std::string_view because, std::string_view allowed) const {
  const std::string value = value_ == nullptr ? "nothing" : shown(*value_);
  refuse_as(value + " (" + std::string(because) + ")", allowed);
}

std::optional<bool> Field::boolean() const {
  if (const bool* const value = get_if<bool>()) return *value;
  refuse("true or false");
  return std::nullopt;
}

std::optional<std::uint64_t> Field::whole_number(std::uint64_t min, std::uint64_t max) const {
  const std::uint64_t* const value = whole_number_if();
  if (value != nullptr && *value >= min && *value <= max) return *value;
  const auto* const other = get_if<JsonOtherNumber>();
  // 1.0 and 1e2 are whole to a mathematician; a reader of another language may round on the way.
  if (other != nullptr && other->text.find_first_of(".eE") != std::string::npos)
    refuse_because("not written as a whole number", range_text(min, max));
  else
    refuse(range_text(min, max));
  return std::nullopt;
}

const std::string* Field::text(std::string_view allowed) const {
  const std::string* const value = text_if();
  if (value == nullptr) refuse(allowed);
  return value;
}

const JsonArray* Field::array(std::string_view allowed) const {
  const auto* const value = get_if<JsonArray>();
  if (value == nullptr) refuse(allowed);
  return value;
}

const JsonObject* Field::object(std::string_view allowed) const {
  const auto* const value = get_if<JsonObject>();
  if (value == nullptr) refuse(allowed);
  return value;
}

Field Field::element(const JsonArray& array, std::size_t index) const {
  return Field(array[index], child_pointer(pointer_, index), *log_);
}

Field Field::member(const JsonMember& member) const {
  return Field(member.value, child_pointer(pointer_, member.key), *log_);
}

Field Field::missing_member(std::string_view name) const {
  return missing(position_, child_pointer(pointer_, name), *log_);
}

std::optional<ObjectReader> ObjectReader::open(Field field) {
  const JsonObject* const object = field.object("an object");
  if (object == nullptr) return std::nullopt;
  return ObjectReader(std::move(field), *object);
}

std::optional<Field> ObjectReader::optional(std::string_view name) {
  asked_.push_back(name);
  const auto found = std::ranges::find(*object_, name, &JsonMember::key);
  if (found == object_->end()) return std::nullopt;
  return self_.member(*found);
}

Field ObjectReader::required(std::string_view name) {
  auto field = optional(name);
  return field ? *std::move(field) : self_.missing_member(name);
}

void ObjectReader::refuse_others() const {
  for (const JsonMember& member : *object_) {
    if (std::ranges::find(asked_, member.key) != asked_.end()) continue;
    self_.member(member).refuse_as(unknown_key(member.key, asked_), one_of(asked_));
  }
}

}  // namespace twobox
