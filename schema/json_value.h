// One value of a JSON text, with what a strict reader needs to know about it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace twobox {

struct JsonMember;
struct JsonValue;
struct JsonNull {};

/// A number that no 64-bit integer holds: with a fraction, with an exponent, or too large.
struct JsonOtherNumber {
  std::string text;  // as written
};
using JsonArray = std::vector<JsonValue>;
/// In the order of the text; no key comes twice.
using JsonObject = std::vector<JsonMember>;

struct JsonValue {
  std::variant<JsonNull, bool, std::uint64_t, std::int64_t, JsonOtherNumber, std::string, JsonArray,
               JsonObject>
      value;                   // std::int64_t only below zero
  std::uint32_t position = 0;  // grows through the text: sorts faults into document order
};

struct JsonMember {
  std::string key;
  JsonValue value;
};

/// The value as a fault names it: `"text"`, `65616`, `null`, `an object`. One short line.
std::string shown(const JsonValue& value);

}  // namespace twobox
