#include "schema/fault_text.h"
#include "schema/rules.h"

namespace twobox {
namespace {

constexpr std::string_view kAddressAllowed = "an address that stands nowhere else";

void check_nodes(const RuleCheck& check, FirstPlaces<IpAddress>& addresses) {
  FirstPlaces<MacAddress> macs;
  for (const auto& [name, node] : check.document.nodes) {
    for (std::size_t i = 0; i < node.addresses.size(); ++i) {
      const std::string pointer = child_pointer(node_pointer(name) + "/addresses", i);
      if (!check.known.is_known(pointer)) continue;
      if (const auto* const first = addresses.see(node.addresses[i], pointer))
        check.refuse(pointer, found_also(node.addresses[i].to_string(), *first), kAddressAllowed);
    }
    for (std::size_t i = 0; i < node.macs.size(); ++i) {
      const std::string pointer = child_pointer(node_pointer(name) + "/macs", i);
      if (!check.known.is_known(pointer)) continue;
      if (const auto* const first = macs.see(node.macs[i], pointer))
        check.refuse(pointer, found_also(node.macs[i].to_string(), *first),
                     "a MAC address that stands nowhere else");
    }
  }
}

/// The first and the last address of an IPv4 network mean "this network" and "everybody in it".
std::string_view not_one_machine(const IpPrefix& prefix) {
  const auto bytes = prefix.address().bytes();
  if (prefix.address().family() != AddressFamily::kIpv4 || prefix.length() > 30) return "";
  std::uint32_t address = 0;
  for (const std::uint8_t byte : bytes) address = address << 8 | byte;
  const std::uint32_t host_mask = 0xffffffffU >> prefix.length();
  if ((address & host_mask) == 0) return "the network's own address";
  if ((address & host_mask) == host_mask) return "the network's broadcast address";
  return "";
}

void check_vip_address(const RuleCheck& check, const IpPrefix& address, const std::string& pointer,
                       FirstPlaces<IpAddress>& addresses) {
  if (const auto* const first = addresses.see(address.address(), pointer))
    check.refuse(pointer, found_also(address.address().to_string(), *first), kAddressAllowed);
  const std::string_view why_not = not_one_machine(address);
  if (!why_not.empty())
    check.refuse(pointer, address.to_string() + " (" + std::string(why_not) + ")",
                 "the address of one machine in that network");
}

}  // namespace

void check_addresses(const RuleCheck& check) {
  FirstPlaces<IpAddress> addresses;
  check_nodes(check, addresses);
  for (const auto& [name, vip] : check.document.vips) {
    const std::string pointer = vip_pointer(name) + "/address";
    if (check.known.is_known(pointer)) check_vip_address(check, vip.address, pointer, addresses);
  }
}

}  // namespace twobox
