#include "schema/json_value.h"

#include "schema/fault_text.h"

namespace twobox {
namespace {

constexpr std::size_t kMaxShownDigits = 64;

struct Shown {
  std::string operator()(JsonNull) const { return "null"; }
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(std::uint64_t value) const { return std::to_string(value); }
  std::string operator()(std::int64_t value) const { return std::to_string(value); }
  std::string operator()(const JsonOtherNumber& number) const {
    return on_one_line(number.text, kMaxShownDigits);
  }
  std::string operator()(const std::string& text) const { return in_quotes(text); }
  std::string operator()(const JsonArray& array) const {
    return array.empty() ? "an empty array" : "an array";
  }
  std::string operator()(const JsonObject& object) const {
    return object.empty() ? "an empty object" : "an object";
  }
};

}  // namespace

std::string shown(const JsonValue& value) {
  return std::visit(Shown{}, value.value);
}

}  // namespace twobox
