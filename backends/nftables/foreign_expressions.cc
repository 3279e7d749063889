#include "backends/nftables/foreign_expressions.h"

#include <netinet/in.h>
// <netinet/in.h> must come first: netfilter.h uses its types without including it.
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "backends/nftables/message.h"

namespace twobox::nftables {
namespace {

using netlink::AttributeTable;
using netlink::AttributeView;

constexpr std::uint16_t kHighest = 8;

}  // namespace

const char* family_word(std::uint8_t family) {
  switch (family) {
    case NFPROTO_INET:
      return "inet";
    case NFPROTO_IPV4:
      return "ip";
    case NFPROTO_IPV6:
      return "ip6";
    default:
      return nullptr;
  }
}

std::uint32_t number_in(const AttributeView& attribute) {
  const auto number = number_or(attribute, std::uint32_t{UINT32_MAX});
  return number ? *number : UINT32_MAX;
}

Status read_expressions(
    const AttributeView& expressions,
    const std::function<void(const std::string&, const AttributeTable&)>& read) {
  const auto list = netlink::attribute_list(expressions.bytes());
  if (!list) return list.error();
  for (const AttributeView& element : *list) {
    const auto parts = AttributeTable::parse(element.bytes(), NFTA_EXPR_MAX);
    if (!parts) return parts.error();
    const auto name = (*parts)[NFTA_EXPR_NAME].as_text();
    if (!name) return name.error();
    const auto data = AttributeTable::parse((*parts)[NFTA_EXPR_DATA].bytes(), kHighest);
    if (!data) return data.error();
    read(*name, *data);
  }
  return success();
}

}  // namespace twobox::nftables
