#include "backends/nftables/element_codec.h"

#include <endian.h>
#include <netinet/in.h>
// <netinet/in.h> must come first: netfilter.h uses its types without including it.
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <variant>
#include <vector>

#include "backends/nftables/handles.h"
#include "backends/nftables/set_codec.h"
#include "schema/ip_protocol.h"

namespace twobox::nftables {
namespace {

using Bytes = std::vector<std::uint8_t>;

// A key of ours is an address, a protocol and a port, each padded with zeros to four bytes.
constexpr std::size_t kWord = 4;

struct KeyBytes {
  Bytes operator()(const Endpoint& endpoint) const {
    const auto address = endpoint.address.bytes();
    Bytes bytes(address.begin(), address.end());
    bytes.resize(address.size() + 2 * kWord);
    bytes[address.size()] = ip_protocol(endpoint.protocol);
    const std::uint16_t port = htobe16(endpoint.port);
    std::memcpy(bytes.data() + address.size() + kWord, &port, sizeof(port));
    return bytes;
  }
  Bytes operator()(const MacAddress& mac) const { return {mac.bytes().begin(), mac.bytes().end()}; }
  Bytes operator()(const OpaqueElement& element) const { return element.bytes; }
};

using Value = decltype(NftElementKey::value);

IpAddress address_from(std::span<const std::uint8_t> bytes) {
  if (bytes.size() == 4) return IpAddress::from_ipv4(bytes.first<4>());
  return IpAddress::from_ipv6(bytes.first<16>());
}

/// Padding that is not zero matches no packet, so such a key is not the endpoint it looks like.
Value endpoint_from(const Bytes& bytes, AddressFamily family) {
  const std::size_t length = address_bits(family) / 8;
  if (bytes.size() != length + 2 * kWord) return OpaqueElement{bytes};
  std::uint16_t port = 0;
  std::memcpy(&port, bytes.data() + length + kWord, sizeof(port));
  for (const Protocol protocol : kEveryProtocol) {
    const Endpoint endpoint{address_from(std::span(bytes).first(length)), protocol, be16toh(port)};
    if (KeyBytes()(endpoint) == bytes) return endpoint;
  }
  return OpaqueElement{bytes};
}

Value value_from(const Bytes& bytes, NftSetKeyType type) {
  constexpr std::size_t kMacLength = 6;
  if (type == NftSetKeyType::kEtherAddress && bytes.size() == kMacLength)
    return MacAddress::from_bytes(std::span(bytes).first<kMacLength>());
  if (type == NftSetKeyType::kEndpointIpv4) return endpoint_from(bytes, AddressFamily::kIpv4);
  if (type == NftSetKeyType::kEndpointIpv6) return endpoint_from(bytes, AddressFamily::kIpv6);
  return OpaqueElement{bytes};
}

Bytes bytes_of(const netlink::AttributeView& view) {
  Bytes bytes(view.bytes().size());
  if (!bytes.empty()) std::memcpy(bytes.data(), view.bytes().data(), bytes.size());
  return bytes;
}

/// The value in a NFTA_SET_ELEM_KEY or _DATA; empty when there is none, as in a verdict.
Result<Bytes> data_value(const netlink::AttributeView& nested) {
  const auto data = netlink::AttributeTable::parse(nested.bytes(), NFTA_DATA_MAX);
  if (!data) return data.error();
  return bytes_of((*data)[NFTA_DATA_VALUE]);
}

/// True when the element has nothing beside key, value and comment. Unknown attributes of a newer
/// kernel count as something.
bool has_only_key_and_value(std::span<const netlink::AttributeView> attributes) {
  constexpr std::array<std::uint16_t, 4> kHarmless = {NFTA_SET_ELEM_KEY, NFTA_SET_ELEM_DATA,
                                                      NFTA_SET_ELEM_USERDATA, NFTA_SET_ELEM_PAD};
  return std::ranges::all_of(attributes, [&](const netlink::AttributeView& attribute) {
    return std::ranges::find(kHarmless, attribute.type()) != kHarmless.end();
  });
}

Result<Element> decode_element(const netlink::AttributeView& nested, const NftSetKey& set,
                               const NftSetConfig& config) {
  const auto list = netlink::attribute_list(nested.bytes());
  if (!list) return list.error();
  const auto attributes = netlink::AttributeTable::parse(nested.bytes(), NFTA_SET_ELEM_MAX);
  if (!attributes) return attributes.error();
  const auto key = data_value((*attributes)[NFTA_SET_ELEM_KEY]);
  if (!key) return key.error();
  const auto value = data_value((*attributes)[NFTA_SET_ELEM_DATA]);
  if (!value) return value.error();

  Element element{NftElementKey{set.name, OpaqueElement{*key}}, {}};
  const bool maps = (*attributes)[NFTA_SET_ELEM_DATA].present();
  if (!is_plain(config) || maps != config.maps_to_mark) return element;
  element.config.has_extras = !has_only_key_and_value(*list);
  if (maps) {
    std::uint32_t mark = 0;  // stored as the packet's mark is, in host order
    if (value->size() != sizeof(mark)) return element;
    std::memcpy(&mark, value->data(), sizeof(mark));
    element.config.mark = mark;
  }
  element.key.value = value_from(*key, config.key_type);
  return element;
}

Result<SetHandle> list_handle(const std::string& set) {
  if (set.size() > kLongestName)
    return Error{ErrorKind::kBug, 0, "the set's name has more than 255 bytes"};
  auto handle = owned<SetHandle>(nftnl_set_alloc());
  nftnl_set_set_str(handle.get(), NFTNL_SET_TABLE, kNftTableName);
  nftnl_set_set_str(handle.get(), NFTNL_SET_NAME, set.c_str());
  return handle;
}

ElementHandle element_handle(const Bytes& key) {
  auto element = owned<ElementHandle>(nftnl_set_elem_alloc());
  if (key.empty())
    nftnl_set_elem_set_u32(element.get(), NFTNL_SET_ELEM_FLAGS, NFT_SET_ELEM_CATCHALL);
  else
    nftnl_set_elem_set(element.get(), NFTNL_SET_ELEM_KEY, key.data(),
                       static_cast<std::uint32_t>(key.size()));
  return element;
}

Message list_message(std::uint16_t type, std::uint16_t flags, const SetHandle& set) {
  return build_message(type, flags, [&set](nlmsghdr* header) {
    nftnl_set_elems_nlmsg_build_payload(header, set.get());
  });
}

}  // namespace

Result<Message> encode_new_elements(const std::string& set, std::span<const Element> elements) {
  const auto list = list_handle(set);
  if (!list) return list.error();
  for (const auto& [key, config] : elements) {
    if (std::holds_alternative<OpaqueElement>(key.value) || config.has_extras)
      return Error{ErrorKind::kBug, 0, "this kind of element is never written"};
    ElementHandle element = element_handle(std::visit(KeyBytes(), key.value));
    if (config.mark)
      nftnl_set_elem_set(element.get(), NFTNL_SET_ELEM_DATA, &*config.mark, sizeof(*config.mark));
    nftnl_set_elem_add(list->get(), element.release());
  }
  return list_message(NFT_MSG_NEWSETELEM, NLM_F_CREATE, *list);
}

Result<Message> encode_delete_elements(const std::string& set, std::span<const Element> elements) {
  const auto list = list_handle(set);
  if (!list) return list.error();
  for (const Element& element : elements) {
    const Bytes key = std::visit(KeyBytes(), element.key.value);
    if (key.size() > NFT_DATA_VALUE_MAXLEN)
      return Error{ErrorKind::kBug, 0, "the element's key has more than 64 bytes"};
    nftnl_set_elem_add(list->get(), element_handle(key).release());
  }
  return list_message(NFT_MSG_DELSETELEM, 0, *list);
}

Result<Message> encode_dump_elements(const std::string& set) {
  const auto list = list_handle(set);
  if (!list) return list.error();
  return list_message(NFT_MSG_GETSETELEM, 0, *list);
}

Status decode_elements(netlink::MessageView message, const NftSetKey& set,
                       const NftSetConfig& config,
                       std::map<NftElementKey, NftElementConfig>& elements) {
  const auto ours = our_attributes(message, NFT_MSG_NEWSETELEM, NFTA_SET_ELEM_LIST_MAX);
  if (!ours) return ours.error();
  if (!*ours) return success();
  const auto name = (**ours)[NFTA_SET_ELEM_LIST_SET].as_text();
  if (!name) return name.error();
  if (*name != set.name) return success();
  const auto list = netlink::attribute_list((**ours)[NFTA_SET_ELEM_LIST_ELEMENTS].bytes());
  if (!list) return list.error();
  for (const netlink::AttributeView& nested : *list) {
    auto element = decode_element(nested, set, config);
    if (!element) return element.error();
    elements.insert_or_assign(std::move(element->key), element->config);
  }
  return success();
}

}  // namespace twobox::nftables
