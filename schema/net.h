// The vocabulary of addresses: each type is made valid once, by parse(), and can't be mixed up.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "schema/error.h"

namespace twobox {

enum class AddressFamily : std::uint8_t { kIpv4, kIpv6 };

/// 32 for IPv4, 128 for IPv6.
constexpr unsigned address_bits(AddressFamily family) {
  return family == AddressFamily::kIpv4 ? 32 : 128;
}

/// An IPv4 or IPv6 address; the two families never compare equal. A mapped address (::ffff:0:0/96)
/// stays IPv6.
class IpAddress {
 public:
  /// Dotted quad, or RFC 4291 text without a zone. Error: kInvalidDocument.
  static Result<IpAddress> parse(std::string_view text);
  static IpAddress from_ipv4(std::span<const std::uint8_t, 4> network_order);
  static IpAddress from_ipv6(std::span<const std::uint8_t, 16> network_order);

  AddressFamily family() const { return family_; }
  /// 4 or 16 bytes in network order.
  std::span<const std::uint8_t> bytes() const {
    return {bytes_.data(), family_ == AddressFamily::kIpv4 ? 4U : 16U};
  }
  /// Canonical text: dotted quad or RFC 5952.
  std::string to_string() const;

  bool is_unspecified() const;
  bool is_multicast() const;
  bool is_loopback() const;

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  IpAddress(AddressFamily family, std::span<const std::uint8_t> network_order);

  AddressFamily family_;
  std::array<std::uint8_t, 16> bytes_{};  // IPv4 uses the first four
};

/// "192.0.2.7" for IPv4 and "[2001:db8::7]" for IPv6, with ":port" behind.
std::string endpoint_text(const IpAddress& address, std::uint16_t port_host_order);

/// An address with the length of its network part; the host part is kept.
class IpPrefix {
 public:
  /// "ADDRESS" (full length) or "ADDRESS/LENGTH". Error: kInvalidDocument.
  static Result<IpPrefix> parse(std::string_view text);
  /// `length` in 0..address_bits(family); larger is a programmer's mistake.
  IpPrefix(IpAddress address, unsigned length);
  /// The address with its full length: /32 or /128.
  static IpPrefix host(const IpAddress& address);

  const IpAddress& address() const { return address_; }
  unsigned length() const { return length_; }
  std::string to_string() const;  // always with the length

  friend auto operator<=>(const IpPrefix&, const IpPrefix&) = default;

 private:
  IpAddress address_;
  unsigned length_;
};

/// A 48-bit hardware address.
class MacAddress {
 public:
  /// Six pairs of hexadecimal digits, separated by ':' or '-', upper or lower case.
  /// Error: kInvalidDocument, also for the all-zero address and for group addresses.
  static Result<MacAddress> parse(std::string_view text);
  static MacAddress from_bytes(std::span<const std::uint8_t, 6> bytes);

  const std::array<std::uint8_t, 6>& bytes() const { return bytes_; }
  std::string to_string() const;  // lower case, ':'

  friend auto operator<=>(const MacAddress&, const MacAddress&) = default;

 private:
  explicit MacAddress(std::array<std::uint8_t, 6> bytes) : bytes_(bytes) {}
  std::array<std::uint8_t, 6> bytes_{};
};

/// A transport port, 1 to 65535, in host order; only codecs convert.
class Port {
 public:
  /// Error: kInvalidDocument.
  static Result<Port> from_number(std::uint64_t value);
  constexpr std::uint16_t host_order() const { return value_; }
  friend constexpr auto operator<=>(Port, Port) = default;

 private:
  explicit constexpr Port(std::uint16_t value) : value_(value) {}
  std::uint16_t value_{};
};

/// A network interface's name: 1 to 15 bytes, no '/', no white space, no ':', not "." or "..".
/// Source: net/core/dev.c, dev_valid_name().
class InterfaceName {
 public:
  /// Error: kInvalidDocument.
  static Result<InterfaceName> parse(std::string_view text);
  const std::string& str() const { return name_; }
  friend auto operator<=>(const InterfaceName&, const InterfaceName&) = default;

 private:
  explicit InterfaceName(std::string name) : name_(std::move(name)) {}
  std::string name_;
};

/// The loopback interface, "lo".
InterfaceName loopback();

enum class Protocol : std::uint8_t { kTcp, kUdp, kSctp };

/// "tcp", "udp", "sctp".
std::string_view to_string(Protocol protocol);

}  // namespace twobox
