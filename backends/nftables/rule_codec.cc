#include "backends/nftables/rule_codec.h"

#include <netinet/in.h>
// <netinet/in.h> must come first: netfilter.h uses its types without including it.
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <cerrno>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "backends/nftables/expressions.h"
#include "backends/nftables/handles.h"
#include "backends/nftables/libnftnl_guard.h"

namespace twobox::nftables {
namespace {

// Far more than any rule of ours has; it keeps a rule within its message.
constexpr std::size_t kMostStatements = 32;

Result<RuleHandle> rule_handle(const NftRuleKey& key) {
  if (key.chain.size() > kLongestName)
    return Error{ErrorKind::kBug, 0, "the chain's name has more than 255 bytes"};
  auto rule = owned<RuleHandle>(nftnl_rule_alloc());
  nftnl_rule_set_str(rule.get(), NFTNL_RULE_TABLE, kNftTableName);
  nftnl_rule_set_str(rule.get(), NFTNL_RULE_CHAIN, key.chain.c_str());
  return rule;
}

Message rule_message(std::uint16_t type, std::uint16_t flags, const RuleHandle& rule) {
  return build_message(type, flags, [&rule](nlmsghdr* header) {
    nftnl_rule_nlmsg_build_payload(header, rule.get());
  });
}

Status set_comment(nftnl_rule* rule, const std::string& comment) {
  if (comment.size() > kLongestComment)
    return Error{ErrorKind::kBug, 0, "the rule's comment has more than 127 bytes"};
  if (comment.empty()) return success();
  const auto user_data = owned<UserData>(nftnl_udata_buf_alloc(kLongestComment + 3));
  nftnl_udata_put_strz(user_data.get(), NFTNL_UDATA_RULE_COMMENT, comment.c_str());
  nftnl_rule_set_data(rule, NFTNL_RULE_USERDATA, nftnl_udata_buf_data(user_data.get()),
                      nftnl_udata_buf_len(user_data.get()));
  return success();
}

Result<RuleHandle> filled_rule(const NftRuleKey& key, const NftRuleConfig& config) {
  auto rule = rule_handle(key);
  if (!rule) return rule.error();
  if (config.statements.size() > kMostStatements)
    return Error{ErrorKind::kBug, 0, "the rule has more than 32 statements"};
  for (const NftStatement& statement : config.statements)
    if (const Status added = add_expressions(rule->get(), statement); !added) return added.error();
  if (const Status set = set_comment(rule->get(), config.comment); !set) return set.error();
  return rule;
}

/// The comment among nft's user data: items of type, length and value, one byte each but the value.
/// Read by hand, because libnftnl trusts the lengths. What is cut off has no comment.
std::string comment_in(std::span<const std::byte> user_data) {
  constexpr std::size_t kHeader = 2;
  while (user_data.size() > kHeader) {
    const auto type = std::to_integer<std::uint8_t>(user_data[0]);
    const auto length = std::to_integer<std::size_t>(user_data[1]);
    if (length > user_data.size() - kHeader) break;
    const auto value = user_data.subspan(kHeader, length);
    if (type == NFTNL_UDATA_RULE_COMMENT) return netlink::AttributeView(0, value).as_text().value();
    user_data = user_data.subspan(kHeader + length);
  }
  return "";
}

/// Hands libnftnl a message with nothing but the expressions, so that it meets nothing unchecked.
Result<RuleHandle> parse_rule(const netlink::AttributeView& expressions) {
  Message message = build_message(NFT_MSG_NEWRULE, 0, [&expressions](nlmsghdr* header) {
    mnl_attr_put(header, NFTA_RULE_EXPRESSIONS, expressions.bytes().size(),
                 expressions.bytes().data());
    // libnftnl trusts texts to end in NUL. One that does not ends here, in this attribute's zeros.
    mnl_attr_put_u32(header, NFTA_RULE_ID, 0);
  });
  auto rule = owned<RuleHandle>(nftnl_rule_alloc());
  if (nftnl_rule_nlmsg_parse(message.header(), rule.get()) < 0)
    return Error{ErrorKind::kTransport, EBADMSG, "libnftnl cannot read the rule"};
  return rule;
}

/// Reads statements and count. What libnftnl cannot read is no error: a newer nft in somebody's
/// hands must not blind us to the rest of the table.
Status read_body(const netlink::AttributeView& expressions, DecodedRule& into) {
  if (!expressions.present()) return success();
  const auto readable = readable_by_libnftnl(expressions);
  if (!readable) return readable.error();
  if (*readable == Readable::kYes) {
    const auto rule = parse_rule(expressions);
    if (rule) {
      into.config.statements = read_expressions(rule->get());
      into.count = read_count(rule->get());
      return success();
    }
  }
  auto names = names_of(expressions);
  if (!names) return names.error();
  into.config.statements = {NftUnknown{*std::move(names)}};
  return success();
}

}  // namespace

Result<Message> encode_new_rule(const NftRuleKey& key, const NftRuleConfig& config) {
  const auto rule = filled_rule(key, config);
  if (!rule) return rule.error();
  return rule_message(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, *rule);
}

Result<Message> encode_replace_rule(const NftRuleKey& key, const NftRuleConfig& config,
                                    std::uint64_t handle) {
  const auto rule = filled_rule(key, config);
  if (!rule) return rule.error();
  nftnl_rule_set_u64(rule->get(), NFTNL_RULE_HANDLE, handle);
  return rule_message(NFT_MSG_NEWRULE, NLM_F_REPLACE, *rule);
}

Result<Message> encode_delete_rule(const NftRuleKey& key, std::uint64_t handle) {
  const auto rule = rule_handle(key);
  if (!rule) return rule.error();
  nftnl_rule_set_u64(rule->get(), NFTNL_RULE_HANDLE, handle);
  return rule_message(NFT_MSG_DELRULE, 0, *rule);
}

Message encode_dump_rules() {
  const auto rule = owned<RuleHandle>(nftnl_rule_alloc());
  nftnl_rule_set_str(rule.get(), NFTNL_RULE_TABLE, kNftTableName);
  return rule_message(NFT_MSG_GETRULE, 0, rule);
}

Result<Ours<DecodedRule>> decode_rule(netlink::MessageView message) {
  const auto ours = our_attributes(message, NFT_MSG_NEWRULE, NFTA_RULE_MAX);
  if (!ours) return ours.error();
  if (!*ours) return Ours<DecodedRule>();
  const netlink::AttributeTable& attributes = **ours;

  auto chain = attributes[NFTA_RULE_CHAIN].as_text();
  if (!chain) return chain.error();
  if (!attributes[NFTA_RULE_HANDLE].present())
    return Error{ErrorKind::kTransport, EBADMSG, "a rule without a handle"};
  const auto handle = number_or(attributes[NFTA_RULE_HANDLE], std::uint64_t{0});
  if (!handle) return handle.error();
  DecodedRule rule{std::move(*chain), *handle, {}, {}};
  if (const Status read = read_body(attributes[NFTA_RULE_EXPRESSIONS], rule); !read)
    return read.error();
  rule.config.comment = comment_in(attributes[NFTA_RULE_USERDATA].bytes());
  return Ours<DecodedRule>(std::move(rule));
}

std::string name_in(const std::string& comment) {
  const std::size_t end = comment.find_first_of(": \t");
  if (end == std::string::npos || comment[end] != ':') return "";
  return comment.substr(0, end);
}

void add_rule(DecodedRule rule, Rules& rules) {
  NftRuleKey key{std::move(rule.chain), name_in(rule.config.comment)};
  if (key.name.empty() || rules.configs.contains(key))
    key.name = "handle " + std::to_string(rule.handle);
  rules.handles.insert_or_assign(key, rule.handle);
  if (rule.count) rules.counts.insert_or_assign(key, *rule.count);
  rules.configs.insert_or_assign(std::move(key), std::move(rule.config));
}

}  // namespace twobox::nftables
