// Building netlink bytes by hand, as a kernel or somebody hostile would send them.
#pragma once

#include <linux/netlink.h>

#include <cstddef>
#include <cstring>
#include <string_view>
#include <vector>

namespace twobox::netlink {

using Bytes = std::vector<std::byte>;

template <typename T>
void append(Bytes& bytes, const T& value) {
  const auto* const first = reinterpret_cast<const std::byte*>(&value);
  bytes.insert(bytes.end(), first, first + sizeof(value));
}

inline void pad(Bytes& bytes) {
  bytes.resize((bytes.size() + 3) & ~std::size_t{3});
}

inline Bytes bytes_of_text(std::string_view text) {
  const auto* const first = reinterpret_cast<const std::byte*>(text.data());
  return Bytes(first, first + text.size());
}

/// An attribute whose header claims `length` bytes, whatever the payload has.
inline Bytes attribute_claiming(std::size_t length, unsigned type, const Bytes& payload) {
  Bytes bytes;
  append(bytes, nlattr{static_cast<__u16>(length), static_cast<__u16>(type)});
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  pad(bytes);
  return bytes;
}

inline Bytes attribute(unsigned type, const Bytes& payload) {
  return attribute_claiming(sizeof(nlattr) + payload.size(), type, payload);
}

template <typename T>
Bytes attribute_of(unsigned type, const T& value) {
  Bytes payload;
  append(payload, value);
  return attribute(type, payload);
}

inline Bytes operator+(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

/// A message with its length filled in.
inline Bytes message(unsigned type, unsigned flags, const Bytes& payload) {
  Bytes bytes;
  append(bytes, nlmsghdr{static_cast<__u32>(sizeof(nlmsghdr) + payload.size()),
                         static_cast<__u16>(type), static_cast<__u16>(flags), 1, 0});
  return bytes + payload;
}

}  // namespace twobox::netlink
