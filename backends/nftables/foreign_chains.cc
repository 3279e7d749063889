#include "backends/nftables/foreign_chains.h"

#include <netinet/in.h>
// <netinet/in.h> must come first: netfilter.h uses its types without including it.
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <cerrno>
#include <compare>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "backends/nftables/foreign_expressions.h"
#include "backends/nftables/foreign_rule.h"
#include "backends/nftables/message.h"
#include "reconciler/objects.h"

namespace twobox::nftables {
namespace {

using netlink::MessageView;

struct TableId {
  std::uint8_t family = NFPROTO_UNSPEC;
  std::string name;
  friend auto operator<=>(const TableId&, const TableId&) = default;
};

struct ForeignTable {
  std::set<std::string> base_chains;
  std::vector<DroppingChain> dropping;
};
using ForeignTables = std::map<TableId, ForeignTable>;

/// Table and set are named by attributes of the same numbers in every message.
Message dump_message(std::uint16_t type, const TableId& table, const std::string& set = "") {
  Message message = build_message(type, 0, [&](nlmsghdr* header) {
    if (!table.name.empty()) mnl_attr_put_strz(header, NFTA_RULE_TABLE, table.name.c_str());
    if (!set.empty()) mnl_attr_put_strz(header, NFTA_SET_ELEM_LIST_SET, set.c_str());
  });
  static_cast<nfgenmsg*>(mnl_nlmsg_get_payload(message.header()))->nfgen_family = table.family;
  return message;
}

Result<TableId> table_of(MessageView message) {
  const auto attributes = attributes_of(message, NFTA_RULE_TABLE);
  if (!attributes) return attributes.error();
  auto name = (*attributes)[NFTA_RULE_TABLE].as_text();
  if (!name) return name.error();
  nfgenmsg header{};
  std::memcpy(&header, message.data() + NLMSG_HDRLEN, sizeof(header));
  return TableId{header.nfgen_family, std::move(*name)};
}

/// kNone for a chain without a hook, and for hooks that VRRP does not pass.
Result<NftHook> hook_in(const netlink::AttributeView& nested) {
  const auto hook = netlink::AttributeTable::parse(nested.bytes(), NFTA_HOOK_MAX);
  if (!hook) return hook.error();
  const auto number = number_or((*hook)[NFTA_HOOK_HOOKNUM], std::uint32_t{NF_INET_NUMHOOKS});
  if (!number) return number.error();
  if (*number == NF_INET_LOCAL_IN) return NftHook::kInput;
  return *number == NF_INET_LOCAL_OUT ? NftHook::kOutput : NftHook::kNone;
}

Status add_chain(MessageView message, ForeignTables& tables) {
  if (!is_of_type(message, NFT_MSG_NEWCHAIN)) return success();
  const auto table = table_of(message);
  if (!table) return table.error();
  const char* const family = family_word(table->family);
  const bool ours = table->family == NFPROTO_INET && table->name == kNftTableName;
  if (family == nullptr || ours) return success();

  const auto attributes = attributes_of(message, NFTA_CHAIN_MAX);
  if (!attributes) return attributes.error();
  if (!(*attributes)[NFTA_CHAIN_HOOK].present()) return success();
  const auto name = (*attributes)[NFTA_CHAIN_NAME].as_text();
  if (!name) return name.error();
  const auto policy = number_or((*attributes)[NFTA_CHAIN_POLICY], std::uint32_t{NF_ACCEPT});
  if (!policy) return policy.error();
  const auto hook = hook_in((*attributes)[NFTA_CHAIN_HOOK]);
  if (!hook) return hook.error();

  ForeignTable& foreign = tables[*table];
  foreign.base_chains.insert(*name);
  if (*policy == NF_DROP && *hook != NftHook::kNone)
    foreign.dropping.push_back({family, table->name, *name, *hook, {}});
  return success();
}

Result<std::vector<ForeignRule>> read_rules(netlink::Socket& socket, const TableId& table) {
  std::vector<ForeignRule> rules;
  Message request = dump_message(NFT_MSG_GETRULE, table);
  const Status read = socket.dump(
      request.header(), [&rules] { rules.clear(); },
      [&](MessageView message) -> Status {
        if (!is_of_type(message, NFT_MSG_NEWRULE)) return success();
        const auto found = table_of(message);
        if (!found) return found.error();
        // Not every kernel filters a dump by table.
        if (*found != table) return success();
        auto rule = decode_foreign_rule(message);
        if (!rule) return rule.error();
        rules.push_back(*std::move(rule));
        return success();
      });
  if (!read) return read.error();
  return rules;
}

Result<bool> holds_vrrp(netlink::Socket& socket, const TableId& table, const std::string& set) {
  bool found = false;
  Message request = dump_message(NFT_MSG_GETSETELEM, table, set);
  const Status read = socket.dump(
      request.header(), [&found] { found = false; },
      [&found](MessageView message) -> Status {
        if (!is_of_type(message, NFT_MSG_NEWSETELEM)) return success();
        const auto listed = lists_vrrp(message);
        if (!listed) return listed.error();
        found = found || *listed;
        return success();
      });
  if (!read) return read.error();
  return found;
}

/// Turns what is looked up in sets into what is named.
Status follow_lookups(netlink::Socket& socket, const TableId& table, ForeignRule& rule) {
  for (const std::string& set : rule.looked_up) {
    const auto found = holds_vrrp(socket, table, set);
    if (!found) return with_context(found.error(), "set " + set);
    rule.names_vrrp = rule.names_vrrp || *found;
  }
  return success();
}

/// Which families a rule may let through a chain of its table. No chain jumps to a base chain, so a
/// rule in another one is never met. What accepts everything in a chain that is jumped to does so
/// for whatever was matched before the jump, and mostly that is not VRRP.
bool may_let_through(const ForeignRule& rule, const DroppingChain& chain,
                     const std::set<std::string>& base_chains) {
  if (rule.chain == chain.name) return rule.accepts_everything || rule.names_vrrp;
  return rule.names_vrrp && !base_chains.contains(rule.chain);
}

Status judge_rules(netlink::Socket& socket, const TableId& id, ForeignTable& table) {
  auto rules = read_rules(socket, id);
  if (!rules) return with_context(rules.error(), "list rules of nft table " + id.name);
  for (ForeignRule& rule : *rules) {
    if (const Status followed = follow_lookups(socket, id, rule); !followed) return followed;
    for (DroppingChain& chain : table.dropping)
      if (may_let_through(rule, chain, table.base_chains))
        chain.accepts_vrrp.insert(rule.families.begin(), rule.families.end());
  }
  return success();
}

}  // namespace

Result<std::vector<DroppingChain>> read_dropping_chains(netlink::Socket& socket) {
  ForeignTables tables;
  Message request = dump_message(NFT_MSG_GETCHAIN, {});
  const Status listed = socket.dump(
      request.header(), [&tables] { tables.clear(); },
      [&tables](MessageView message) { return add_chain(message, tables); });
  if (!listed) return with_context(listed.error(), "list nft chains");

  std::vector<DroppingChain> chains;
  for (auto& [id, table] : tables) {
    if (table.dropping.empty()) continue;
    if (const Status judged = judge_rules(socket, id, table); !judged) return judged.error();
    chains.insert(chains.end(), table.dropping.begin(), table.dropping.end());
  }
  return chains;
}

}  // namespace twobox::nftables
