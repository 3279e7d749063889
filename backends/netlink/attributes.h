// Bounded, length-checked reading of attributes; nothing here steps outside its message.
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "schema/error.h"

namespace twobox::netlink {

/// The payload of one attribute. Never outlives the message it points into.
class AttributeView {
 public:
  AttributeView() = default;
  AttributeView(std::uint16_t type, std::span<const std::byte> payload)
      : type_(type), payload_(payload), present_(true) {}

  bool present() const { return present_; }
  std::uint16_t type() const { return type_; }
  std::span<const std::byte> bytes() const { return payload_; }

  /// Exactly one T in host order. Error: kTransport (EBADMSG) unless present with sizeof(T) bytes.
  template <typename T>
  Result<T> as() const {
    static_assert(std::is_trivially_copyable_v<T>);
    if (!present_ || payload_.size() != sizeof(T)) return wrong_size(sizeof(T));
    T value{};
    std::memcpy(&value, payload_.data(), sizeof(T));
    return value;
  }
  /// as(), or `absent` when the attribute is not there; a wrong size stays an error.
  template <typename T>
  Result<T> as_or(T absent) const {
    if (!present_) return absent;
    return as<T>();
  }
  /// Text up to the first NUL or the end of the payload. Error: kTransport if absent.
  Result<std::string> as_text() const;

 private:
  Error wrong_size(std::size_t expected) const;

  std::uint16_t type_ = 0;
  std::span<const std::byte> payload_;
  bool present_ = false;
};

/// The attributes of one level, by type; of repeated ones the last counts. Nested and byte-order
/// flags are masked off the type.
class AttributeTable {
 public:
  /// Error: kTransport (EBADMSG) if an attribute's length does not fit. Attributes of a type above
  /// `highest_type` (a newer kernel's) are passed over.
  static Result<AttributeTable> parse(std::span<const std::byte> payload,
                                      std::uint16_t highest_type);

  /// An absent attribute gives a view that is not present().
  const AttributeView& operator[](std::uint16_t type) const;

 private:
  std::vector<AttributeView> by_type_;
};

/// Every attribute of one level in order, for lists. Error: as AttributeTable::parse.
Result<std::vector<AttributeView>> attribute_list(std::span<const std::byte> payload);

}  // namespace twobox::netlink
