#include "backends/nftables/foreign_rule.h"

#include <netinet/in.h>
// <netinet/in.h> must come first: netfilter.h uses its types without including it.
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <bit>
#include <optional>
#include <utility>

#include "backends/nftables/foreign_expressions.h"
#include "backends/nftables/message.h"

namespace twobox::nftables {
namespace {

using netlink::AttributeTable;
using netlink::AttributeView;

/// Where the IP header holds the protocol.
constexpr std::uint32_t kIpv4Protocol = 9;
constexpr std::uint32_t kIpv6NextHeader = 6;

/// A nft_data's value of one byte.
std::optional<std::uint8_t> byte_in(const AttributeView& data) {
  const auto parts = AttributeTable::parse(data.bytes(), NFTA_DATA_MAX);
  if (!parts) return std::nullopt;
  const auto value = (*parts)[NFTA_DATA_VALUE].as<std::uint8_t>();
  return value ? std::optional(*value) : std::nullopt;
}

/// Goes through a rule's expressions in order. Registers are not followed: a comparison is taken to
/// be about what was loaded last, as nft and iptables write it.
class RuleReader {
 public:
  explicit RuleReader(ForeignRule& rule) : rule_(rule) {}

  void read(const std::string& name, const AttributeTable& data) {
    if (name == "counter" || name == "log") return;
    if (name == "immediate") return read_verdict(data);
    matches_ = true;
    if (name == "meta")
      load_meta(data);
    else if (name == "payload")
      load_field(data);
    else if (name == "cmp")
      compare(data);
    else if (name == "lookup")
      look_up(data);
    else
      loaded_ = Loaded::kOther;
  }

  void finish() {
    if (drops_) {
      rule_.names_vrrp = false;
      rule_.looked_up.clear();
    }
    rule_.accepts_everything = accepts_ && !matches_;
  }

 private:
  enum class Loaded { kOther, kFamily, kProtocol };

  void read_verdict(const AttributeTable& data) {
    const auto parts = AttributeTable::parse(data[NFTA_IMMEDIATE_DATA].bytes(), NFTA_DATA_MAX);
    if (!parts || !(*parts)[NFTA_DATA_VERDICT].present()) return;
    const auto verdict =
        AttributeTable::parse((*parts)[NFTA_DATA_VERDICT].bytes(), NFTA_VERDICT_MAX);
    if (!verdict) return;
    const std::uint32_t code = number_in((*verdict)[NFTA_VERDICT_CODE]);
    accepts_ = code == NF_ACCEPT;
    drops_ = code == NF_DROP;
  }

  void load_meta(const AttributeTable& data) {
    const std::uint32_t key = number_in(data[NFTA_META_KEY]);
    loaded_ = key == NFT_META_L4PROTO   ? Loaded::kProtocol
              : key == NFT_META_NFPROTO ? Loaded::kFamily
                                        : Loaded::kOther;
  }

  void load_field(const AttributeTable& data) {
    loaded_ = Loaded::kOther;
    if (number_in(data[NFTA_PAYLOAD_BASE]) != NFT_PAYLOAD_NETWORK_HEADER ||
        number_in(data[NFTA_PAYLOAD_LEN]) != 1)
      return;
    const std::uint32_t offset = number_in(data[NFTA_PAYLOAD_OFFSET]);
    if (offset == kIpv4Protocol || offset == kIpv6NextHeader) loaded_ = Loaded::kProtocol;
  }

  void compare(const AttributeTable& data) {
    const auto value = byte_in(data[NFTA_CMP_DATA]);
    if (!value || number_in(data[NFTA_CMP_OP]) != NFT_CMP_EQ) return;
    if (loaded_ == Loaded::kProtocol && *value == kVrrp) rule_.names_vrrp = true;
    if (loaded_ != Loaded::kFamily) return;
    if (*value != NFPROTO_IPV4) rule_.families.erase(AddressFamily::kIpv4);
    if (*value != NFPROTO_IPV6) rule_.families.erase(AddressFamily::kIpv6);
  }

  void look_up(const AttributeTable& data) {
    const auto set = data[NFTA_LOOKUP_SET].as_text();
    const auto flags = number_or(data[NFTA_LOOKUP_FLAGS], std::uint32_t{0});
    if (loaded_ == Loaded::kProtocol && set && flags && (*flags & NFT_LOOKUP_F_INV) == 0)
      rule_.looked_up.insert(*set);
  }

  ForeignRule& rule_;
  Loaded loaded_ = Loaded::kOther;
  bool matches_ = false;
  bool accepts_ = false;
  bool drops_ = false;
};

}  // namespace

Result<ForeignRule> decode_foreign_rule(netlink::MessageView message) {
  const auto attributes = attributes_of(message, NFTA_RULE_MAX);
  if (!attributes) return attributes.error();
  auto chain = (*attributes)[NFTA_RULE_CHAIN].as_text();
  if (!chain) return chain.error();
  ForeignRule rule;
  rule.chain = std::move(*chain);
  rule.families = {AddressFamily::kIpv4, AddressFamily::kIpv6};
  RuleReader reader(rule);
  if (const Status read = read_expressions(
          (*attributes)[NFTA_RULE_EXPRESSIONS],
          [&](const std::string& name, const AttributeTable& data) { reader.read(name, data); });
      !read)
    return read.error();
  reader.finish();
  return rule;
}

Result<bool> lists_vrrp(netlink::MessageView message) {
  const auto attributes = attributes_of(message, NFTA_SET_ELEM_LIST_MAX);
  if (!attributes) return attributes.error();
  const auto list = netlink::attribute_list((*attributes)[NFTA_SET_ELEM_LIST_ELEMENTS].bytes());
  if (!list) return list.error();
  for (const AttributeView& element : *list) {
    const auto parts = AttributeTable::parse(element.bytes(), NFTA_SET_ELEM_MAX);
    if (!parts) return parts.error();
    if (byte_in((*parts)[NFTA_SET_ELEM_KEY]) == kVrrp) return true;
  }
  return false;
}

}  // namespace twobox::nftables
