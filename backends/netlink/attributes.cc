#include "backends/netlink/attributes.h"

#include <linux/netlink.h>

#include <algorithm>

namespace twobox::netlink {
namespace {

// NLA_TYPE_MASK is an int with its upper bits set; only the type's 14 bits are wanted here.
constexpr std::uint16_t kTypeBits = static_cast<std::uint16_t>(NLA_TYPE_MASK & 0xffff);
constexpr std::size_t kHeaderSize = sizeof(nlattr);

Error malformed(std::string what) {
  return {ErrorKind::kTransport, EBADMSG, "malformed netlink attribute: " + std::move(what)};
}

/// Takes the first attribute off `rest`. Padding behind the last one may be missing: the kernel
/// counts it in no length.
Result<AttributeView> take_first(std::span<const std::byte>& rest) {
  if (rest.size() < kHeaderSize)
    return malformed(std::to_string(rest.size()) + " bytes are left, too few for a header");
  nlattr header{};
  std::memcpy(&header, rest.data(), kHeaderSize);
  if (header.nla_len < kHeaderSize || header.nla_len > rest.size())
    return malformed("its length is " + std::to_string(header.nla_len) + ", but " +
                     std::to_string(rest.size()) + " bytes are left");

  const AttributeView first(header.nla_type & kTypeBits,
                            rest.subspan(kHeaderSize, header.nla_len - kHeaderSize));
  const std::size_t padded = (header.nla_len + NLA_ALIGNTO - 1UL) & ~(NLA_ALIGNTO - 1UL);
  rest = rest.subspan(std::min(padded, rest.size()));
  return first;
}

}  // namespace

Result<std::string> AttributeView::as_text() const {
  if (!present_) return malformed("a text is missing");
  const auto end = std::find(payload_.begin(), payload_.end(), std::byte{0});
  return std::string(reinterpret_cast<const char*>(payload_.data()),
                     static_cast<std::size_t>(end - payload_.begin()));
}

Error AttributeView::wrong_size(std::size_t expected) const {
  if (!present_) return malformed("one of " + std::to_string(expected) + " bytes is missing");
  return malformed("type " + std::to_string(type_) + " has " + std::to_string(payload_.size()) +
                   " bytes, expected " + std::to_string(expected));
}

Result<AttributeTable> AttributeTable::parse(std::span<const std::byte> payload,
                                             std::uint16_t highest_type) {
  AttributeTable table;
  table.by_type_.resize(highest_type + std::size_t{1});
  while (!payload.empty()) {
    const auto attribute = take_first(payload);
    if (!attribute) return attribute.error();
    if (attribute->type() <= highest_type) table.by_type_[attribute->type()] = *attribute;
  }
  return table;
}

const AttributeView& AttributeTable::operator[](std::uint16_t type) const {
  static const AttributeView kAbsent;
  return type < by_type_.size() ? by_type_[type] : kAbsent;
}

Result<std::vector<AttributeView>> attribute_list(std::span<const std::byte> payload) {
  std::vector<AttributeView> attributes;
  while (!payload.empty()) {
    const auto attribute = take_first(payload);
    if (!attribute) return attribute.error();
    attributes.push_back(*attribute);
  }
  return attributes;
}

}  // namespace twobox::netlink
