// The kernel's messages. The first byte chooses the decoder; what it makes an object of must come
// back when that is written and read again.
#include <linux/ip_vs.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include "backends/address/codec.h"
#include "backends/ipvs/codec.h"
#include "backends/ipvs/family.h"
#include "backends/ipvs/traffic.h"
#include "backends/netlink/attributes.h"
#include "backends/netlink/message.h"
#include "backends/nftables/element_codec.h"
#include "backends/nftables/foreign_bypass.h"
#include "backends/nftables/foreign_rule.h"
#include "backends/nftables/rule_codec.h"
#include "backends/nftables/set_codec.h"
#include "backends/nftables/table_codec.h"
#include "backends/probe/listeners.h"
#include "backends/probe/neighbours.h"
#include "tests/fuzz/require.h"

using namespace twobox;
using netlink::MessageView;
using twobox::fuzz::require;

namespace {

/// True if there is an object to write again. A refusal must be of the message.
template <typename Decoded>
bool is_object(const Decoded& decoded) {
  require(decoded.has_value() ||
              (decoded.error().kind == ErrorKind::kTransport && !decoded.error().message.empty()),
          "a message is decoded or malformed");
  return decoded.has_value() && decoded->has_value();
}

/// True if it could be written: what twobox never asks for need not be.
template <typename Encoded>
bool is_written(const Encoded& encoded) {
  require(encoded.has_value() || encoded.error().kind == ErrorKind::kBug,
          "an object is encoded or none of ours");
  return encoded.has_value();
}

MessageView view_of(const netlink::MessageHandle& message) {
  return netlink::bytes_of(nlmsg_hdr(message.get()));
}

const IpvsServiceKey& some_service() {
  static const IpvsServiceKey kKey = Endpoint{
      IpAddress::from_ipv4(std::array<std::uint8_t, 4>{172, 16, 0, 30}), Protocol::kTcp, 80};
  return kKey;
}

void ipvs_service(MessageView message) {
  const auto decoded = ipvs::decode_service(message);
  if (!is_object(decoded)) return;
  const auto& [key, config] = **decoded;
  const auto encoded = ipvs::encode(IPVS_CMD_NEW_SERVICE, key, config);
  if (!is_written(encoded)) return;
  const auto again = ipvs::decode_service(view_of(*encoded));
  require(again && *again == *decoded, "an IPVS service comes back");
}

void ipvs_server(MessageView message) {
  const auto decoded = ipvs::decode_server(message, some_service());
  if (!is_object(decoded)) return;
  const auto& [key, config] = **decoded;
  const auto encoded = ipvs::encode(IPVS_CMD_NEW_DEST, key, config);
  if (!is_written(encoded)) return;
  const auto again = ipvs::decode_server(view_of(*encoded), some_service());
  require(again && *again == *decoded, "a real server comes back");
}

void ipvs_daemon(MessageView message) {
  const auto decoded = ipvs::decode_daemon(message);
  if (!is_object(decoded)) return;
  const auto& [key, config] = **decoded;
  const auto encoded = ipvs::encode(IPVS_CMD_NEW_DAEMON, key, config);
  // Zeros are left to the kernel.
  if (!is_written(encoded) || config.port == 0 || config.ttl == 0 || config.group.is_unspecified())
    return;
  const auto again = ipvs::decode_daemon(view_of(*encoded));
  require(again && *again == *decoded, "a sync daemon comes back");
}

void ipvs_timeouts(MessageView message) {
  const auto decoded = ipvs::decode_timeouts(message);
  if (!decoded) return;
  const auto encoded = ipvs::encode(*decoded);
  if (!is_written(encoded)) return;
  const auto again = ipvs::decode_timeouts(view_of(*encoded));
  require(again && *again == *decoded, "timeouts come back");
}

void ipvs_family(MessageView message) {
  is_object(ipvs::decode_family(message));
}

void ipvs_traffic(MessageView message) {
  is_object(ipvs::decode_service_traffic(message));
  is_object(ipvs::decode_server_traffic(message, some_service()));
}

void link(MessageView message) {
  const auto decoded = address::decode_link(message);
  if (!is_object(decoded)) return;
  const auto& [name, state, settings] = **decoded;
  for (const char* const setting : {"arp_ignore", "accept_dad", "rp_filter"})
    for (const char* const family : {"net.ipv4.conf.", "net.ipv6.conf."})
      find_setting({{name, settings}}, SysctlKey{family + name.str() + "." + setting});
}

void address(MessageView message) {
  const auto decoded = address::decode_address(message);
  if (!is_object(decoded)) return;
  const address::AddressRecord& record = **decoded;
  const auto added = address::decode_address(
      view_of(address::encode_add_address(AddressKey{loopback(), record.prefix}, record.config,
                                          record.interface_index, address::IfPresent::kReplace)));
  require(is_object(added) && (*added)->prefix == record.prefix &&
              (*added)->peer == record.prefix.address() && (*added)->config.permanent &&
              (*added)->config.preferred == record.config.preferred,
          "an address is added as it was read");
  const auto deleted = address::decode_address(view_of(address::encode_delete_address(record)));
  require(is_object(deleted) && (*deleted)->prefix == record.prefix &&
              (*deleted)->peer == record.peer &&
              (*deleted)->interface_index == record.interface_index,
          "an address is deleted as it was read");
  address::falls_with(record, **added);
}

void neighbour(MessageView message) {
  is_object(decode_neighbour(message));
}

void listening_socket(MessageView message) {
  is_object(decode_listening_socket(message));
}

void end_of_exchange(MessageView message) {
  (void)netlink::read_acknowledgement(message);
  (void)netlink::read_dump_end(message);
}

void attributes(MessageView bytes) {
  constexpr std::uint16_t kHighest = 40;
  const auto list = netlink::attribute_list(bytes);
  const auto table = netlink::AttributeTable::parse(bytes, kHighest);
  require(list.has_value() == table.has_value(), "list and table take the same bytes");
  if (!list) return;
  for (const netlink::AttributeView& attribute : *list)
    require((*table)[attribute.type()].present() == (attribute.type() <= kHighest),
            "the table has what the list has");
}

void nft_table(MessageView message) {
  const auto decoded = nftables::decode_table(message);
  if (!is_object(decoded)) return;
  const auto again = nftables::decode_table(nftables::encode_new_table(**decoded).view());
  require(again && *again == *decoded, "a table comes back");
}

void nft_chain(MessageView message) {
  const auto decoded = nftables::decode_chain(message);
  if (!is_object(decoded)) return;
  const auto& [key, config, anonymous] = **decoded;
  const bool is_plain = config.hook != NftHook::kNone || config == NftChainConfig{};
  const auto encoded = nftables::encode_new_chain(key, config);
  if (!is_written(encoded) || !is_plain) return;
  const auto again = nftables::decode_chain(encoded->view());
  require(is_object(again) && (*again)->key == key && (*again)->config == config,
          "a chain comes back");
}

void nft_set(MessageView message) {
  const auto decoded = nftables::decode_set(message);
  if (!is_object(decoded)) return;
  const auto& [key, config, anonymous] = **decoded;
  const auto encoded = nftables::encode_new_set(key, config, 1);
  if (!is_written(encoded)) return;
  const auto again = nftables::decode_set(encoded->view());
  require(is_object(again) && (*again)->key == key && (*again)->config == config,
          "a set comes back");
}

void nft_rule(MessageView message) {
  const auto decoded = nftables::decode_rule(message);
  if (!is_object(decoded)) return;
  const nftables::DecodedRule& rule = **decoded;
  nftables::Rules rules;
  nftables::add_rule(rule, rules);
  nftables::add_rule(rule, rules);
  require(rules.configs.size() == rules.handles.size(), "every rule has a handle");
  const auto encoded =
      nftables::encode_replace_rule({rule.chain, "name"}, rule.config, rule.handle);
  if (!is_written(encoded)) return;
  const auto again = nftables::decode_rule(encoded->view());
  require(is_object(again) && (*again)->chain == rule.chain && (*again)->handle == rule.handle &&
              (*again)->config == rule.config,
          "a rule comes back");
}

void nft_elements_of(MessageView message, const std::string& set, const NftSetConfig& config) {
  std::map<NftElementKey, NftElementConfig> elements;
  const Status decoded = nftables::decode_elements(message, {set}, config, elements);
  require(decoded || decoded.error().kind == ErrorKind::kTransport,
          "elements are decoded or malformed");
  if (elements.empty()) return;
  std::vector<nftables::Element> all;
  std::vector<nftables::Element> ours;
  for (const auto& [key, value] : elements) {
    if (all.size() == nftables::kElementsPerMessage) break;
    all.push_back({key, value});
    const bool writable = !std::holds_alternative<OpaqueElement>(key.value) && !value.has_extras;
    if (writable) ours.push_back(all.back());
  }
  is_written(nftables::encode_delete_elements(set, all));
  const auto encoded = nftables::encode_new_elements(set, ours);
  require(encoded.has_value(), "elements of ours are written");
  std::map<NftElementKey, NftElementConfig> again;
  require(nftables::decode_elements(encoded->view(), {set}, config, again).has_value() &&
              again.size() == ours.size(),
          "elements are read again");
  for (const auto& [key, value] : ours) require(again.at(key) == value, "elements come back");
}

void nft_elements(MessageView message) {
  nft_elements_of(message, "redirect-ipv4", {NftSetKeyType::kEndpointIpv4, false, 0});
  nft_elements_of(message, "redirect-ipv6", {NftSetKeyType::kEndpointIpv6, false, 0});
  nft_elements_of(message, "peers", {NftSetKeyType::kEtherAddress, false, 0});
  nft_elements_of(message, "marks-ipv4", {NftSetKeyType::kEndpointIpv4, true, 0});
}

void nft_generation(MessageView message) {
  (void)nftables::decode_generation(message);
}

void nft_foreign(MessageView message) {
  (void)nftables::decode_foreign_rule(message);
  (void)nftables::lists_vrrp(message);
  ForeignBypasses found;
  (void)nftables::add_foreign_bypass(message, found);
}

// tests/fuzz/seeds names them by their places.
constexpr std::array kDecoders = {ipvs_service, ipvs_server,      ipvs_daemon, ipvs_timeouts,
                                  ipvs_family,  ipvs_traffic,     link,        address,
                                  neighbour,    listening_socket, attributes,  end_of_exchange,
                                  nft_table,    nft_chain,        nft_set,     nft_rule,
                                  nft_elements, nft_generation,   nft_foreign};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  kDecoders[data[0] % kDecoders.size()](
      MessageView(reinterpret_cast<const std::byte*>(data) + 1, size - 1));
  return 0;
}
