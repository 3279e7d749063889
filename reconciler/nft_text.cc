#include "reconciler/nft_text.h"

#include <array>

namespace twobox {
namespace {

template <typename... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
// Implied since C++20, but not in clang 14.
template <typename... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

std::string hexadecimal(const std::vector<std::uint8_t>& bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text = "0x";
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 0xfU];
  }
  return text;
}

std::string family_text(AddressFamily family) {
  return family == AddressFamily::kIpv4 ? "ipv4" : "ipv6";
}

std::string endpoint_lookup(AddressFamily family) {
  const std::string header = family == AddressFamily::kIpv4 ? "ip" : "ip6";
  return header + " daddr . meta l4proto . th dport";
}

/// By its place in the header: named, nft would have checksums follow a change.
std::string header_protocol(AddressFamily family) {
  return family == AddressFamily::kIpv4 ? "@nh,72,8 " : "@nh,48,8 ";
}

std::string_view hook_text(NftHook hook) {
  constexpr std::array<std::string_view, 6> kNames = {"",        "prerouting", "input",
                                                      "forward", "output",     "postrouting"};
  return kNames.at(static_cast<std::size_t>(hook));
}

}  // namespace

std::string nft_text(const NftElementKey& key) {
  return std::visit(Overloaded{
                        [](const Endpoint& endpoint) {
                          return endpoint.address.to_string() + " . " +
                                 std::string(to_string(endpoint.protocol)) + " . " +
                                 std::to_string(endpoint.port);
                        },
                        [](const MacAddress& mac) { return mac.to_string(); },
                        [](const OpaqueElement& element) { return hexadecimal(element.bytes); },
                    },
                    key.value);
}

std::string nft_text(const NftStatement& statement) {
  return std::visit(
      Overloaded{
          [](const NftFamilyIs& part) { return "meta nfproto " + family_text(part.family); },
          [](const NftHeaderVersionIs& part) {
            return std::string("@nh,0,8 ") +
                   (part.family == AddressFamily::kIpv4 ? "0x40-0x4f" : "0x60-0x6f");
          },
          [](const NftArrivesOverEthernet&) { return std::string("meta iiftype ether"); },
          [](const NftDestinationInSet& part) {
            return endpoint_lookup(part.family) + " @" + part.set;
          },
          [](const NftEtherSourceNotInSet& part) { return "ether saddr != @" + part.set; },
          [](const NftEtherSourceInSet& part) { return "ether saddr @" + part.set; },
          [](const NftOpensTcpConnection&) {
            return std::string("meta l4proto tcp tcp flags syn / fin,syn,rst,ack");
          },
          [](const NftHeaderProtocolIs& part) {
            return header_protocol(part.family) + std::to_string(part.number);
          },
          [](const NftSetHeaderProtocol& part) {
            return header_protocol(part.family) + "set " + std::to_string(part.number);
          },
          [](const NftMarkFromMap& part) {
            return "meta mark set " + endpoint_lookup(part.family) + " map @" + part.map;
          },
          [](const NftRedirect&) { return std::string("redirect"); },
          [](const NftCounter&) { return std::string("counter"); },
          [](const NftUnknown& part) { return part.text; },
      },
      statement);
}

std::string nft_text(const NftChainConfig& chain) {
  if (chain.hook == NftHook::kNone) return "";
  return "type " + chain.type + " hook " + std::string(hook_text(chain.hook)) + " priority " +
         std::to_string(chain.priority) + " ; policy " + (chain.accept_policy ? "accept" : "drop") +
         " ;";
}

std::string nft_text(NftSetKeyType type) {
  switch (type) {
    case NftSetKeyType::kEndpointIpv4:
      return "ipv4_addr . inet_proto . inet_service";
    case NftSetKeyType::kEndpointIpv6:
      return "ipv6_addr . inet_proto . inet_service";
    case NftSetKeyType::kEtherAddress:
      return "ether_addr";
    case NftSetKeyType::kOther:
      break;
  }
  return "other";
}

}  // namespace twobox
