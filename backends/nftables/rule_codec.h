// Rules: objects <-> messages, and the names rules go by.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "backends/netlink/socket.h"
#include "backends/nftables/message.h"
#include "reconciler/objects.h"
#include "schema/error.h"

namespace twobox::nftables {

/// A comment's limit in nft (NFTNL_UDATA_COMMENT_MAXLEN less its NUL).
constexpr std::size_t kLongestComment = 127;

/// Appends the rule to its chain. Error: kBug for a rule we never write.
Result<Message> encode_new_rule(const NftRuleKey& key, const NftRuleConfig& config);
/// Puts the rule into the place of the one with this handle.
Result<Message> encode_replace_rule(const NftRuleKey& key, const NftRuleConfig& config,
                                    std::uint64_t handle);
Result<Message> encode_delete_rule(const NftRuleKey& key, std::uint64_t handle);
/// NFT_MSG_GETRULE, to be dumped: the rules of our table, chain by chain in order.
Message encode_dump_rules();

struct DecodedRule {
  std::string chain;
  std::uint64_t handle = 0;
  NftRuleConfig config;
  std::optional<NftCount> count;
};
/// The rules of a table and what goes by their names.
struct Rules {
  std::map<NftRuleKey, NftRuleConfig> configs;
  std::map<NftRuleKey, std::uint64_t> handles;
  NftCounts counts;
};
/// No value: a rule of another table. A rule with an expression that libnftnl cannot be given to
/// read (libnftnl_guard.h) has one NftUnknown with the names of all. Error: kTransport (EBADMSG).
Result<Ours<DecodedRule>> decode_rule(netlink::MessageView message);

/// The word before the first ':' of a comment; "" if the comment is not "WORD:...".
std::string name_in(const std::string& comment);

/// Adds the rule under the name its comment gives it, or as "handle N" if it gives none or one that
/// is taken. So a copy of one of our rules is a rule of its own.
void add_rule(DecodedRule rule, Rules& rules);

}  // namespace twobox::nftables
