#include "schema/net.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cassert>
#include <charconv>
#include <optional>

namespace twobox {
namespace {

// IFNAMSIZ (16) counts the closing NUL.
constexpr std::size_t kMaxInterfaceNameBytes = 15;

Error not_this(std::string_view text, std::string_view what) {
  return Error{ErrorKind::kInvalidDocument, 0,
               "\"" + std::string(text) + "\" is not " + std::string(what)};
}

/// The C functions stop at a NUL, so a text that holds one must not reach them.
template <std::size_t kBytes>
std::optional<std::array<std::uint8_t, kBytes>> bytes_of(int c_family, std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  std::array<std::uint8_t, kBytes> bytes{};
  if (inet_pton(c_family, std::string(text).c_str(), bytes.data()) != 1) return std::nullopt;
  return bytes;
}

/// Decimal digits without sign or leading zero; nullopt when more than `max`.
std::optional<unsigned> prefix_length(std::string_view text, unsigned max) {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  unsigned value = 0;
  const char* const last = text.data() + text.size();
  const auto [end, failed] = std::from_chars(text.data(), last, value);
  if (failed != std::errc{} || end != last || value > max) return std::nullopt;
  return value;
}

std::optional<std::uint8_t> hex_pair(std::string_view pair) {
  std::uint8_t value = 0;
  const char* const last = pair.data() + pair.size();
  const auto [end, failed] = std::from_chars(pair.data(), last, value, 16);
  if (failed != std::errc{} || end != last) return std::nullopt;
  return value;
}

/// What the kernel's isspace() says, which counts Latin-1's no-break space (lib/ctype.c).
bool is_kernel_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r') || static_cast<unsigned char>(c) == 0xa0;
}

bool is_refused_in_interface_name(char c) {
  return c == '\0' || c == '/' || c == ':' || is_kernel_space(c);
}

/// std::to_string() for each byte, or glibc's inet_ntop(), which interprets a format, showed in
/// large plans.
std::string ipv4_text(std::span<const std::uint8_t> bytes, std::optional<std::uint16_t> port) {
  std::array<char, sizeof("255.255.255.255:65535")> text{};
  char* at = text.data();
  const auto put = [&](unsigned number) {
    at = std::to_chars(at, text.data() + text.size(), number).ptr;
  };
  for (const std::uint8_t byte : bytes) {
    if (at != text.data()) *at++ = '.';
    put(byte);
  }
  if (port) {
    *at++ = ':';
    put(*port);
  }
  return {text.data(), at};
}

}  // namespace

IpAddress::IpAddress(AddressFamily family, std::span<const std::uint8_t> network_order)
    : family_(family) {
  std::ranges::copy(network_order, bytes_.begin());
}

Result<IpAddress> IpAddress::parse(std::string_view text) {
  if (const auto bytes = bytes_of<4>(AF_INET, text)) return from_ipv4(*bytes);
  if (const auto bytes = bytes_of<16>(AF_INET6, text)) return from_ipv6(*bytes);
  return not_this(text, "an IPv4 or IPv6 address");
}

IpAddress IpAddress::from_ipv4(std::span<const std::uint8_t, 4> network_order) {
  return IpAddress(AddressFamily::kIpv4, network_order);
}

IpAddress IpAddress::from_ipv6(std::span<const std::uint8_t, 16> network_order) {
  return IpAddress(AddressFamily::kIpv6, network_order);
}

std::string IpAddress::to_string() const {
  if (family_ == AddressFamily::kIpv4) return ipv4_text(bytes(), std::nullopt);
  std::array<char, INET6_ADDRSTRLEN> text{};
  const char* const written = inet_ntop(AF_INET6, bytes_.data(), text.data(), text.size());
  assert(written != nullptr);
  return written;
}

bool IpAddress::is_unspecified() const {
  return std::ranges::all_of(bytes(), [](std::uint8_t byte) { return byte == 0; });
}

bool IpAddress::is_multicast() const {
  return family_ == AddressFamily::kIpv4 ? (bytes_[0] & 0xf0) == 0xe0 : bytes_[0] == 0xff;
}

bool IpAddress::is_loopback() const {
  if (family_ == AddressFamily::kIpv4) return bytes_[0] == 127;
  return bytes_[15] == 1 &&
         std::all_of(bytes_.begin(), bytes_.end() - 1, [](std::uint8_t byte) { return byte == 0; });
}

std::string endpoint_text(const IpAddress& address, std::uint16_t port_host_order) {
  if (address.family() == AddressFamily::kIpv4) return ipv4_text(address.bytes(), port_host_order);
  return "[" + address.to_string() + "]:" + std::to_string(port_host_order);
}

IpPrefix::IpPrefix(IpAddress address, unsigned length) : address_(address), length_(length) {
  assert(length <= address_bits(address.family()));
}

IpPrefix IpPrefix::host(const IpAddress& address) {
  return IpPrefix(address, address_bits(address.family()));
}

Result<IpPrefix> IpPrefix::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return not_this(text, "an IPv4 or IPv6 address with or without /LENGTH");
  if (slash == std::string_view::npos) return host(*address);
  const unsigned bits = address_bits(address->family());
  const auto length = prefix_length(text.substr(slash + 1), bits);
  if (!length)
    return not_this(text, "an address whose /LENGTH is at most /" + std::to_string(bits));
  return IpPrefix(*address, *length);
}

std::string IpPrefix::to_string() const {
  return address_.to_string() + "/" + std::to_string(length_);
}

Result<MacAddress> MacAddress::parse(std::string_view text) {
  constexpr std::string_view kWhat =
      "a MAC address of one machine: six pairs of hexadecimal digits with ':' between them";
  constexpr std::size_t kTextSize = 17;
  if (text.size() != kTextSize || (text[2] != ':' && text[2] != '-')) return not_this(text, kWhat);
  std::array<std::uint8_t, 6> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = hex_pair(text.substr(i * 3, 2));
    if (!byte || (i > 0 && text[i * 3 - 1] != text[2])) return not_this(text, kWhat);
    bytes[i] = *byte;
  }
  const bool is_group = (bytes[0] & 1) != 0;
  if (is_group || bytes == std::array<std::uint8_t, 6>{}) return not_this(text, kWhat);
  return MacAddress(bytes);
}

MacAddress MacAddress::from_bytes(std::span<const std::uint8_t, 6> bytes) {
  std::array<std::uint8_t, 6> copy{};
  std::ranges::copy(bytes, copy.begin());
  return MacAddress(copy);
}

std::string MacAddress::to_string() const {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes_) {
    if (!text.empty()) text += ':';
    text += kDigits[byte >> 4];
    text += kDigits[byte & 0xf];
  }
  return text;
}

Result<Port> Port::from_number(std::uint64_t value) {
  if (value == 0 || value > 65535)
    return Error{ErrorKind::kInvalidDocument, 0,
                 std::to_string(value) + " is not a port from 1 to 65535"};
  return Port(static_cast<std::uint16_t>(value));
}

Result<InterfaceName> InterfaceName::parse(std::string_view text) {
  if (text.empty() || text.size() > kMaxInterfaceNameBytes || text == "." || text == ".." ||
      std::ranges::any_of(text, is_refused_in_interface_name))
    return not_this(text, "an interface name: 1 to 15 bytes without '/', ':' or white space");
  return InterfaceName(std::string(text));
}

InterfaceName loopback() {
  return *InterfaceName::parse("lo");
}

std::string_view to_string(Protocol protocol) {
  switch (protocol) {
    case Protocol::kTcp:
      return "tcp";
    case Protocol::kUdp:
      return "udp";
    case Protocol::kSctp:
      return "sctp";
  }
  return "";
}

}  // namespace twobox
