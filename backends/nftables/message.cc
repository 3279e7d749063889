#include "backends/nftables/message.h"

#include <endian.h>
#include <netinet/in.h>
// <netinet/in.h> must come first: netfilter.h uses its types without including it.
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <cassert>
#include <cstring>
#include <memory>

#include "backends/nftables/handles.h"
#include "reconciler/objects.h"

namespace twobox::nftables {
namespace {

// Twice what one attribute can hold, so that no message we build comes near the end.
constexpr std::size_t kCapacity = std::size_t{128} * 1024;

constexpr std::size_t kFamilyHeader = sizeof(nfgenmsg);

// Every kind of message names its table in the attribute of the same number.
constexpr std::uint16_t kTableName = NFTA_TABLE_NAME;
static_assert(kTableName == NFTA_CHAIN_TABLE && kTableName == NFTA_SET_TABLE &&
              kTableName == NFTA_RULE_TABLE && kTableName == NFTA_SET_ELEM_LIST_TABLE);

bool is_inet(netlink::MessageView message) {
  if (message.size() < sizeof(nlmsghdr) + kFamilyHeader) return false;
  nfgenmsg family{};
  std::memcpy(&family, message.data() + sizeof(nlmsghdr), sizeof(family));
  return family.nfgen_family == NFPROTO_INET;
}

}  // namespace

Message build_message(std::uint16_t type, std::uint16_t flags,
                      const std::function<void(nlmsghdr*)>& fill) {
  // Left as it is: to clear all of it for messages of some hundred bytes was most of what healing
  // a table took. libmnl clears what it pads with.
  const auto room = std::make_unique_for_overwrite<std::byte[]>(kCapacity);
  nlmsghdr* const header =
      nftnl_nlmsg_build_hdr(reinterpret_cast<char*>(room.get()), type, NFPROTO_INET, flags, 0);
  fill(header);
  assert(header->nlmsg_len <= kCapacity);
  return Message({room.get(), room.get() + header->nlmsg_len});
}

bool is_of_type(netlink::MessageView message, std::uint16_t type) {
  return message.size() >= sizeof(nlmsghdr) &&
         netlink::header_of(message).nlmsg_type == ((NFNL_SUBSYS_NFTABLES << 8) | type);
}

Result<netlink::AttributeTable> attributes_of(netlink::MessageView message,
                                              std::uint16_t highest_type) {
  const auto payload = netlink::attributes_of(message, kFamilyHeader);
  if (!payload) return payload.error();
  return netlink::AttributeTable::parse(*payload, highest_type);
}

Result<Ours<netlink::AttributeTable>> our_attributes(netlink::MessageView message,
                                                     std::uint16_t type,
                                                     std::uint16_t highest_type) {
  using Attributes = Ours<netlink::AttributeTable>;
  if (!is_of_type(message, type) || !is_inet(message)) return Attributes();
  auto attributes = attributes_of(message, highest_type);
  if (!attributes) return attributes.error();
  const auto table = (*attributes)[kTableName].as_text();
  if (!table) return table.error();
  return *table == kNftTableName ? Attributes(*std::move(attributes)) : Attributes();
}

Result<std::uint32_t> number_or(const netlink::AttributeView& attribute, std::uint32_t absent) {
  const auto number = attribute.as_or<std::uint32_t>(htobe32(absent));
  if (!number) return number.error();
  return be32toh(*number);
}

Result<std::uint64_t> number_or(const netlink::AttributeView& attribute, std::uint64_t absent) {
  const auto number = attribute.as_or<std::uint64_t>(htobe64(absent));
  if (!number) return number.error();
  return be64toh(*number);
}

}  // namespace twobox::nftables
