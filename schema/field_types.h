// Readers of single values: what each kind of field takes, in one place. Each returns nullopt after
// noting a fault.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schema/net.h"
#include "schema/reader.h"

namespace twobox {

/// An address that one machine can have and that a real server can be reached at.
std::optional<IpAddress> read_machine_address(const Field& field);

/// An address with or without the length of its network.
std::optional<IpPrefix> read_vip_address(const Field& field);

std::optional<IpAddress> read_multicast_group(const Field& field);

std::optional<MacAddress> read_mac(const Field& field);

/// An interface that leads to other machines.
std::optional<InterfaceName> read_wire_interface(const Field& field);

std::optional<Port> read_port(const Field& field);

/// Names of nodes and VIPs: 1 to 63 letters, digits, '.', '_', '-', the first a letter or digit.
std::optional<std::string> read_name(const Field& field);
bool is_name(std::string_view text);
/// A letter, a digit, '.', '_' or '-'.
bool is_in_name(char c);
inline constexpr std::string_view kNameAllowed =
    "a name of 1 to 63 letters, digits, '.', '_' and '-' that begins with a letter or digit";

/// Text without control characters; both lengths in characters, not bytes.
std::optional<std::string> read_plain_text(const Field& field, std::size_t max_characters,
                                           std::string_view allowed);

std::optional<std::string> read_absolute_path(const Field& field);

struct DurationRange {
  std::chrono::milliseconds min;
  std::chrono::milliseconds max;
};
std::optional<std::chrono::milliseconds> read_duration(const Field& field, DurationRange range);
/// Whole seconds, up to a day.
std::optional<std::chrono::seconds> read_seconds(const Field& field);

/// The values of a list with at least one; a faulty element gets `stand_in`, so that indexes stay.
template <typename Value, typename Read>
std::vector<Value> read_list(const Field& field, std::string_view allowed, const Value& stand_in,
                             Read read) {
  const JsonArray* const array = field.array(allowed);
  if (array == nullptr) return {};
  if (array->empty()) field.refuse(allowed);
  std::vector<Value> values;
  values.reserve(array->size());
  for (std::size_t i = 0; i < array->size(); ++i)
    values.push_back(read(field.element(*array, i)).value_or(stand_in));
  return values;
}

template <typename Number>
std::optional<Number> read_number(const Field& field, std::uint64_t min, std::uint64_t max) {
  const auto value = field.whole_number(min, max);
  if (!value) return std::nullopt;
  return static_cast<Number>(*value);
}

template <typename Value>
struct Word {
  std::string_view text;
  Value value;
};

/// The value of one of `words`.
template <typename Value, std::size_t kCount>
std::optional<Value> read_word(const Field& field, const std::array<Word<Value>, kCount>& words) {
  if (const std::string* const text = field.text_if()) {
    const auto found = std::ranges::find(words, *text, &Word<Value>::text);
    if (found != words.end()) return found->value;
  }
  std::array<std::string_view, kCount> texts;
  std::ranges::transform(words, texts.begin(), &Word<Value>::text);
  field.refuse(one_of(texts));
  return std::nullopt;
}

}  // namespace twobox
