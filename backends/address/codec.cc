#include "backends/address/codec.h"

#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <string>
#include <utility>

#include "backends/netlink/attributes.h"
#include "backends/netlink/message.h"

namespace twobox::address {
namespace {

using netlink::AttributeTable;
using netlink::AttributeView;
using netlink::MessageHandle;
using netlink::MessageView;

constexpr std::uint32_t kForever = 0xffffffff;  // INFINITY_LIFE_TIME

// The header behind nlmsghdr, and the attributes behind it.
template <typename T>
struct Opened {
  T header;
  AttributeTable attributes;
};

template <typename T>
Result<Opened<T>> open_message(MessageView message, std::uint16_t highest_type) {
  const auto payload = netlink::attributes_of(message, sizeof(T));
  if (!payload) return payload.error();
  auto attributes = AttributeTable::parse(*payload, highest_type);
  if (!attributes) return attributes.error();
  Opened<T> opened{{}, std::move(*attributes)};
  std::memcpy(&opened.header, message.data() + NLMSG_HDRLEN, sizeof(T));
  return opened;
}

Result<std::vector<std::int32_t>> decode_settings(const AttributeView& of_family,
                                                  std::uint16_t type) {
  std::vector<std::int32_t> values;
  if (!of_family.present()) return values;
  const auto table = AttributeTable::parse(of_family.bytes(), type);
  if (!table) return table.error();
  const auto bytes = (*table)[type].bytes();
  values.resize(bytes.size() / sizeof(std::int32_t));
  if (!values.empty())
    std::memcpy(values.data(), bytes.data(), values.size() * sizeof(std::int32_t));
  return values;
}

Result<InterfaceSettings> decode_interface_settings(const AttributeView& by_family) {
  InterfaceSettings settings;
  if (!by_family.present()) return settings;
  const auto families = AttributeTable::parse(by_family.bytes(), AF_INET6);
  if (!families) return families.error();
  auto ipv4 = decode_settings((*families)[AF_INET], IFLA_INET_CONF);
  if (!ipv4) return ipv4.error();
  auto ipv6 = decode_settings((*families)[AF_INET6], IFLA_INET6_CONF);
  if (!ipv6) return ipv6.error();
  settings.ipv4 = std::move(*ipv4);
  settings.ipv6 = std::move(*ipv6);
  return settings;
}

std::optional<MacAddress> decode_mac(const ifinfomsg& header, const AttributeView& address) {
  std::array<std::uint8_t, 6> bytes{};
  if (header.ifi_type != ARPHRD_ETHER || address.bytes().size() != bytes.size())
    return std::nullopt;
  std::memcpy(bytes.data(), address.bytes().data(), bytes.size());
  // A device that has not been given an address yet; no frame comes from it.
  if (bytes == std::array<std::uint8_t, 6>{}) return std::nullopt;
  return MacAddress::from_bytes(bytes);
}

Result<IpAddress> decode_ip(const AttributeView& attribute, std::uint8_t family) {
  if (family == AF_INET) {
    const auto bytes = attribute.as<std::array<std::uint8_t, 4>>();
    if (!bytes) return bytes.error();
    return IpAddress::from_ipv4(*bytes);
  }
  const auto bytes = attribute.as<std::array<std::uint8_t, 16>>();
  if (!bytes) return bytes.error();
  return IpAddress::from_ipv6(*bytes);
}

AddressConfig decode_config(std::uint32_t flags, const ifa_cacheinfo& lifetimes) {
  AddressConfig config;
  config.permanent = (flags & IFA_F_PERMANENT) != 0 || lifetimes.ifa_valid == kForever;
  // IPv4 reports a permanent address's preferred lifetime as infinite even when it is zero; only
  // the flag is true. (net/ipv4/devinet.c, inet_fill_ifaddr)
  config.preferred = (flags & IFA_F_DEPRECATED) == 0 && lifetimes.ifa_prefered != 0;
  config.dad_failed = (flags & IFA_F_DADFAILED) != 0;
  return config;
}

// A message has a page of room, far more than any of these needs: failing to fit is our mistake.
void put(const MessageHandle& message, int type, std::span<const std::uint8_t> bytes) {
  [[maybe_unused]] const int code =
      nla_put(message.get(), type, static_cast<int>(bytes.size()), bytes.data());
  assert(code == 0);
}

template <typename T>
MessageHandle start_message(int type, int flags, const T& header) {
  MessageHandle message(nlmsg_alloc_simple(type, flags));
  T copy = header;
  [[maybe_unused]] const int code = nlmsg_append(message.get(), &copy, sizeof(copy), NLMSG_ALIGNTO);
  assert(code == 0);
  return message;
}

void put_u32(const MessageHandle& message, int type, std::uint32_t value) {
  [[maybe_unused]] const int code = nla_put_u32(message.get(), type, value);
  assert(code == 0);
}

std::uint8_t family_number(AddressFamily family) {
  return family == AddressFamily::kIpv4 ? AF_INET : AF_INET6;
}

bool same_network(const IpAddress& left, const IpAddress& right, unsigned length) {
  const auto a = left.bytes();
  const auto b = right.bytes();
  const std::size_t whole = length / 8;
  if (!std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(whole), b.begin()))
    return false;
  const unsigned rest = length % 8;
  return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

}  // namespace

Result<std::optional<LinkRecord>> decode_link(MessageView message) {
  const auto opened = open_message<ifinfomsg>(message, IFLA_AF_SPEC);
  if (!opened) return opened.error();
  const auto& [header, attributes] = *opened;
  if (header.ifi_index <= 0) return netlink::malformed_message("link without an index");

  const auto text = attributes[IFLA_IFNAME].as_text();
  if (!text) return text.error();
  const auto name = InterfaceName::parse(*text);
  if (!name) return std::optional<LinkRecord>();

  auto settings = decode_interface_settings(attributes[IFLA_AF_SPEC]);
  if (!settings) return settings.error();
  Link link;
  link.index = static_cast<std::uint32_t>(header.ifi_index);
  link.mac = decode_mac(header, attributes[IFLA_ADDRESS]);
  link.up = (header.ifi_flags & IFF_UP) != 0;
  return std::optional(LinkRecord{*name, link, std::move(*settings)});
}

Result<std::optional<AddressRecord>> decode_address(MessageView message) {
  const auto opened = open_message<ifaddrmsg>(message, IFA_FLAGS);
  if (!opened) return opened.error();
  const auto& [header, attributes] = *opened;
  if (header.ifa_family != AF_INET && header.ifa_family != AF_INET6)
    return std::optional<AddressRecord>();

  // IPv6 has IFA_LOCAL only beside a peer, IPv4 always.
  const bool has_local = attributes[IFA_LOCAL].present();
  const auto local = decode_ip(attributes[has_local ? IFA_LOCAL : IFA_ADDRESS], header.ifa_family);
  if (!local) return local.error();
  if (header.ifa_prefixlen > address_bits(local->family()))
    return netlink::malformed_message("address with a prefix of " +
                                      std::to_string(header.ifa_prefixlen) + " bits");
  const bool has_peer = attributes[IFA_ADDRESS].present();
  const auto peer = decode_ip(attributes[has_peer ? IFA_ADDRESS : IFA_LOCAL], header.ifa_family);
  if (!peer) return peer.error();

  const auto flags = attributes[IFA_FLAGS].as_or<std::uint32_t>(header.ifa_flags);
  if (!flags) return flags.error();
  const auto lifetimes = attributes[IFA_CACHEINFO].as_or(ifa_cacheinfo{kForever, kForever, 0, 0});
  if (!lifetimes) return lifetimes.error();

  return std::optional(
      AddressRecord{header.ifa_index, IpPrefix(*local, header.ifa_prefixlen), *peer,
                    decode_config(*flags, *lifetimes),
                    header.ifa_family == AF_INET && (*flags & IFA_F_SECONDARY) != 0});
}

MessageHandle encode_list_links() {
  MessageHandle message = start_message(RTM_GETLINK, NLM_F_REQUEST, ifinfomsg{});
  put_u32(message, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  return message;
}

MessageHandle encode_find_link(const InterfaceName& name) {
  MessageHandle message = start_message(RTM_GETLINK, NLM_F_REQUEST, ifinfomsg{});
  [[maybe_unused]] const int code = nla_put_string(message.get(), IFLA_IFNAME, name.str().c_str());
  assert(code == 0);
  put_u32(message, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  return message;
}

MessageHandle encode_list_addresses() {
  return start_message(RTM_GETADDR, NLM_F_REQUEST, ifaddrmsg{});
}

MessageHandle encode_add_address(const AddressKey& key, const AddressConfig& config,
                                 std::uint32_t interface_index, IfPresent if_present) {
  const IpAddress& address = key.prefix.address();
  const bool is_ipv4 = address.family() == AddressFamily::kIpv4;
  ifaddrmsg header{};
  header.ifa_family = family_number(address.family());
  header.ifa_prefixlen = static_cast<std::uint8_t>(key.prefix.length());
  header.ifa_index = interface_index;
  // As `ip address add` does; IPv6 derives its scope from the address.
  header.ifa_scope = is_ipv4 && key.interface == loopback() ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE;

  const int present = if_present == IfPresent::kReplace ? NLM_F_REPLACE : NLM_F_EXCL;
  MessageHandle message =
      start_message(RTM_NEWADDR, NLM_F_REQUEST | NLM_F_CREATE | present, header);
  put(message, IFA_LOCAL, address.bytes());
  put(message, IFA_ADDRESS, address.bytes());
  // No duplicate address detection: other nodes hold the same VIP on lo by design, and a VIP that
  // moved must answer at once.
  if (!is_ipv4) put_u32(message, IFA_FLAGS, IFA_F_NODAD);
  const ifa_cacheinfo lifetimes{config.preferred ? kForever : 0, kForever, 0, 0};
  std::array<std::uint8_t, sizeof(lifetimes)> bytes{};
  std::memcpy(bytes.data(), &lifetimes, sizeof(lifetimes));
  put(message, IFA_CACHEINFO, bytes);
  return message;
}

MessageHandle encode_delete_address(const AddressRecord& address) {
  ifaddrmsg header{};
  header.ifa_family = family_number(address.prefix.address().family());
  header.ifa_prefixlen = static_cast<std::uint8_t>(address.prefix.length());
  header.ifa_index = address.interface_index;
  MessageHandle message = start_message(RTM_DELADDR, NLM_F_REQUEST, header);
  put(message, IFA_LOCAL, address.prefix.address().bytes());
  put(message, IFA_ADDRESS, address.peer.bytes());
  return message;
}

bool falls_with(const AddressRecord& other, const AddressRecord& primary) {
  return other.secondary && !primary.secondary &&
         other.interface_index == primary.interface_index &&
         other.prefix.address().family() == primary.prefix.address().family() &&
         other.prefix.length() == primary.prefix.length() &&
         same_network(other.peer, primary.peer, primary.prefix.length());
}

}  // namespace twobox::address
