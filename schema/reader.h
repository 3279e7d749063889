// Strict reading of a JsonValue: whatever has the wrong type or was not asked for is a fault.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schema/fault_log.h"
#include "schema/fault_text.h"
#include "schema/json_value.h"

namespace twobox {

/// A place of the document and what stands there, which may be nothing. Must not outlive the
/// JsonValue and the log.
///
/// The reading members return nullopt or null after noting a fault, so that the caller can go on
/// and find the next one. `allowed` completes the sentence "found X, allowed is ...".
class Field {
 public:
  Field(const JsonValue& value, std::string pointer, FaultLog& log)
      : value_(&value), position_(value.position), pointer_(std::move(pointer)), log_(&log) {}

  /// A field that is not there; `position` is that of the object that lacks it.
  static Field missing(std::uint32_t position, std::string pointer, FaultLog& log);

  const std::string& pointer() const { return pointer_; }

  std::optional<bool> boolean() const;
  std::optional<std::uint64_t> whole_number(std::uint64_t min, std::uint64_t max) const;
  const std::string* text(std::string_view allowed) const;
  const JsonArray* array(std::string_view allowed) const;
  const JsonObject* object(std::string_view allowed) const;

  /// For a caller that takes several types: the text or whole number if it is one, without a fault.
  const std::string* text_if() const { return get_if<std::string>(); }
  const std::uint64_t* whole_number_if() const { return get_if<std::uint64_t>(); }
  bool is_object() const { return get_if<JsonObject>() != nullptr; }

  Field element(const JsonArray& array, std::size_t index) const;
  Field member(const JsonMember& member) const;
  Field missing_member(std::string_view name) const;

  /// Notes "found <what stands here>, allowed is ...".
  void refuse(std::string_view allowed) const;
  /// The same, with `found` in place of the value.
  void refuse_as(std::string_view found, std::string_view allowed) const;
  /// `because` is put in parentheses behind the value.
  void refuse_because(std::string_view because, std::string_view allowed) const;

 private:
  Field(std::uint32_t position, std::string pointer, FaultLog& log)
      : value_(nullptr), position_(position), pointer_(std::move(pointer)), log_(&log) {}

  template <typename T>
  const T* get_if() const {
    return value_ == nullptr ? nullptr : std::get_if<T>(&value_->value);
  }

  const JsonValue* value_;  // null when missing
  std::uint32_t position_;
  std::string pointer_;
  FaultLog* log_;
};

/// Reads the fields of one JSON object; whatever was not asked for is a fault.
class ObjectReader {
 public:
  /// nullopt, and a fault, when `field` holds no object.
  static std::optional<ObjectReader> open(Field field);

  /// The field, or a missing one: every reading of that is a fault.
  Field required(std::string_view name);
  std::optional<Field> optional(std::string_view name);

  /// Call this last: each member that was not asked for is a fault.
  void refuse_others() const;

  const Field& self() const { return self_; }

 private:
  ObjectReader(Field self, const JsonObject& object) : self_(std::move(self)), object_(&object) {}

  Field self_;
  const JsonObject* object_;
  std::vector<std::string_view> asked_;
};

}  // namespace twobox
