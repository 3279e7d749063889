#include "schema/field_types.h"

#include "schema/duration.h"

namespace twobox {
namespace {

constexpr std::string_view kMachineAllowed =
    "an IPv4 or IPv6 address of one machine, without a prefix length";

bool is_broadcast(const IpAddress& address) {
  return address.family() == AddressFamily::kIpv4 &&
         std::ranges::all_of(address.bytes(), [](std::uint8_t byte) { return byte == 0xff; });
}

bool is_link_local(const IpAddress& address) {
  const auto bytes = address.bytes();
  return address.family() == AddressFamily::kIpv6 && bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
}

/// ::ffff:0:0/96 stands for IPv4 inside programs and is never on the wire.
bool is_mapped(const IpAddress& address) {
  const auto bytes = address.bytes();
  return address.family() == AddressFamily::kIpv6 && bytes[10] == 0xff && bytes[11] == 0xff &&
         std::ranges::all_of(bytes.first(10), [](std::uint8_t byte) { return byte == 0; });
}

/// Why no single machine is reached at the address; "" when one can be.
std::string_view why_not_one_machine(const IpAddress& address) {
  if (address.is_unspecified()) return "the unspecified address";
  if (address.is_multicast()) return "a multicast address";
  if (address.is_loopback()) return "a loopback address";
  if (is_broadcast(address)) return "the broadcast address";
  if (is_mapped(address)) return "an IPv4 address in IPv6 form";
  return "";
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

bool is_letter_or_digit(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

std::size_t count_characters(std::string_view text) {
  const auto begins_character = [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  };
  return static_cast<std::size_t>(std::ranges::count_if(text, begins_character));
}

}  // namespace

std::optional<IpAddress> read_machine_address(const Field& field) {
  const std::string* const text = field.text(kMachineAllowed);
  if (text == nullptr) return std::nullopt;
  const auto address = IpAddress::parse(*text);
  if (!address) {
    field.refuse(kMachineAllowed);
    return std::nullopt;
  }
  std::string_view why_not = why_not_one_machine(*address);
  // The kernel takes a link-local real server on its own machine only (ip_vs_ctl.c,
  // ip_vs_new_dest).
  if (is_link_local(*address)) why_not = "a link-local address";
  if (why_not.empty()) return *address;
  field.refuse_because(why_not, kMachineAllowed);
  return std::nullopt;
}

std::optional<IpPrefix> read_vip_address(const Field& field) {
  constexpr std::string_view kAllowed =
      "an IPv4 or IPv6 address, alone or with a prefix length from /1 to /32 or /128";
  const std::string* const text = field.text(kAllowed);
  if (text == nullptr) return std::nullopt;
  const auto prefix = IpPrefix::parse(*text);
  if (!prefix || prefix->length() == 0) {
    field.refuse(kAllowed);
    return std::nullopt;
  }
  const std::string_view why_not = why_not_one_machine(prefix->address());
  if (why_not.empty()) return *prefix;
  field.refuse_because(why_not, kAllowed);
  return std::nullopt;
}

std::optional<IpAddress> read_multicast_group(const Field& field) {
  constexpr std::string_view kAllowed = "an IPv4 or IPv6 multicast address";
  const std::string* const text = field.text(kAllowed);
  if (text == nullptr) return std::nullopt;
  const auto address = IpAddress::parse(*text);
  if (address && address->is_multicast()) return *address;
  field.refuse(kAllowed);
  return std::nullopt;
}

std::optional<MacAddress> read_mac(const Field& field) {
  constexpr std::string_view kAllowed =
      "the MAC address of one interface (no group, not all zeros), such as \"08:00:27:77:84:ef\"";
  const std::string* const text = field.text(kAllowed);
  if (text == nullptr) return std::nullopt;
  if (const auto mac = MacAddress::parse(*text)) return *mac;
  field.refuse(kAllowed);
  return std::nullopt;
}

std::optional<InterfaceName> read_wire_interface(const Field& field) {
  constexpr std::string_view kAllowed =
      "the name of an interface to other machines: 1 to 15 bytes without '/', ':' or white space";
  const std::string* const text = field.text(kAllowed);
  if (text == nullptr) return std::nullopt;
  const auto name = InterfaceName::parse(*text);
  // The kernel lets no interface have the names of its two sysctl directories for all (devinet.c,
  // sysctl_dev_name_is_allowed).
  const bool is_wire = name && *name != loopback() && *text != "all" && *text != "default" &&
                       std::ranges::none_of(*text, is_control);
  if (is_wire) return *name;
  field.refuse(kAllowed);
  return std::nullopt;
}

std::optional<Port> read_port(const Field& field) {
  const auto number = field.whole_number(1, 65535);
  if (!number) return std::nullopt;
  return *Port::from_number(*number);
}

bool is_in_name(char c) {
  return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-';
}

bool is_name(std::string_view text) {
  constexpr std::size_t kMaxNameSize = 63;
  return !text.empty() && text.size() <= kMaxNameSize && is_letter_or_digit(text.front()) &&
         std::ranges::all_of(text, is_in_name);
}

std::optional<std::string> read_name(const Field& field) {
  const std::string* const text = field.text(kNameAllowed);
  if (text == nullptr) return std::nullopt;
  if (is_name(*text)) return *text;
  field.refuse(kNameAllowed);
  return std::nullopt;
}

std::optional<std::string> read_plain_text(const Field& field, std::size_t max_characters,
                                           std::string_view allowed) {
  const std::string* const text = field.text(allowed);
  if (text == nullptr) return std::nullopt;
  if (!text->empty() && count_characters(*text) <= max_characters &&
      std::ranges::none_of(*text, is_control))
    return *text;
  field.refuse(allowed);
  return std::nullopt;
}

std::optional<std::string> read_absolute_path(const Field& field) {
  constexpr std::string_view kAllowed =
      "an absolute path of at most 4095 characters, none of them a control character";
  auto path = read_plain_text(field, 4095, kAllowed);
  if (!path || (path->starts_with('/') && path->size() > 1)) return path;
  field.refuse(kAllowed);
  return std::nullopt;
}

std::optional<std::chrono::milliseconds> read_duration(const Field& field, DurationRange range) {
  const std::string* const text = field.text_if();
  const auto duration = text == nullptr ? std::nullopt : parse_duration(*text);
  if (duration && *duration >= range.min && *duration <= range.max) return duration;
  field.refuse("a duration from \"" + duration_text(range.min) + "\" to \"" +
               duration_text(range.max) + "\"");
  return std::nullopt;
}

std::optional<std::chrono::seconds> read_seconds(const Field& field) {
  using std::chrono::seconds;
  const std::string* const text = field.text_if();
  const auto duration = text == nullptr ? std::nullopt : parse_duration(*text);
  if (duration && *duration >= seconds(1) && *duration <= std::chrono::hours(24) &&
      *duration % seconds(1) == seconds(0))
    return std::chrono::duration_cast<seconds>(*duration);
  field.refuse("a duration of whole seconds from \"1s\" to \"24h\"");
  return std::nullopt;
}

}  // namespace twobox
