#include "backends/nftables/table_codec.h"

#include <endian.h>
#include <netinet/in.h>
// <netinet/in.h> must come first: netfilter.h uses its types without including it.
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <array>
#include <bit>
#include <string>
#include <utility>

#include "backends/nftables/handles.h"

namespace twobox::nftables {
namespace {

constexpr char kTableComment[] = "held by twobox; edits are undone";

struct HookNumber {
  NftHook hook;
  std::uint32_t number;
};
constexpr std::array<HookNumber, 5> kHooks = {{{NftHook::kPrerouting, NF_INET_PRE_ROUTING},
                                               {NftHook::kInput, NF_INET_LOCAL_IN},
                                               {NftHook::kForward, NF_INET_FORWARD},
                                               {NftHook::kOutput, NF_INET_LOCAL_OUT},
                                               {NftHook::kPostrouting, NF_INET_POST_ROUTING}}};

std::uint32_t number_of(NftHook hook) {
  for (const auto& [known, number] : kHooks)
    if (known == hook) return number;
  return NF_INET_NUMHOOKS;  // kNone is never asked for
}

TableHandle our_table() {
  auto table = owned<TableHandle>(nftnl_table_alloc());
  nftnl_table_set_str(table.get(), NFTNL_TABLE_NAME, kNftTableName);
  return table;
}

Message table_message(std::uint16_t type, std::uint16_t flags, const TableHandle& table) {
  return build_message(type, flags, [&table](nlmsghdr* header) {
    nftnl_table_nlmsg_build_payload(header, table.get());
  });
}

Result<ChainHandle> chain_handle(const NftChainKey& key) {
  if (key.name.size() > kLongestName)
    return Error{ErrorKind::kBug, 0, "the chain's name has more than 255 bytes"};
  auto chain = owned<ChainHandle>(nftnl_chain_alloc());
  nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_TABLE, kNftTableName);
  nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_NAME, key.name.c_str());
  return chain;
}

Message chain_message(std::uint16_t type, std::uint16_t flags, const ChainHandle& chain) {
  return build_message(type, flags, [&chain](nlmsghdr* header) {
    nftnl_chain_nlmsg_build_payload(header, chain.get());
  });
}

/// Reads NFTA_CHAIN_HOOK. A hook we have no word for (ingress) goes into the type's text, so that
/// the chain is never equal to one of ours.
Status read_hook(const netlink::AttributeView& nested, NftChainConfig& config) {
  const auto hook = netlink::AttributeTable::parse(nested.bytes(), NFTA_HOOK_MAX);
  if (!hook) return hook.error();
  const auto number = number_or((*hook)[NFTA_HOOK_HOOKNUM], std::uint32_t{NF_INET_NUMHOOKS});
  if (!number) return number.error();
  const auto priority = number_or((*hook)[NFTA_HOOK_PRIORITY], std::uint32_t{0});
  if (!priority) return priority.error();
  config.priority = std::bit_cast<std::int32_t>(*priority);
  for (const auto& [known, known_number] : kHooks)
    if (known_number == *number) config.hook = known;
  if (config.hook == NftHook::kNone) config.type += " at hook " + std::to_string(*number);
  return success();
}

/// Reads what only a chain with a hook has.
Status read_base_chain(const netlink::AttributeTable& attributes, NftChainConfig& config) {
  auto type = attributes[NFTA_CHAIN_TYPE].as_text();
  if (!type) return type.error();
  config.type = std::move(*type);
  const auto policy = number_or(attributes[NFTA_CHAIN_POLICY], std::uint32_t{NF_ACCEPT});
  if (!policy) return policy.error();
  config.accept_policy = *policy == NF_ACCEPT;
  return read_hook(attributes[NFTA_CHAIN_HOOK], config);
}

}  // namespace

Message encode_new_table(const NftTableConfig& config) {
  const TableHandle table = our_table();
  nftnl_table_set_u32(table.get(), NFTNL_TABLE_FLAGS, config.flags);
  const auto comment = owned<UserData>(nftnl_udata_buf_alloc(sizeof(kTableComment) + 2));
  nftnl_udata_put_strz(comment.get(), NFTNL_UDATA_TABLE_COMMENT, kTableComment);
  nftnl_table_set_data(table.get(), NFTNL_TABLE_USERDATA, nftnl_udata_buf_data(comment.get()),
                       nftnl_udata_buf_len(comment.get()));
  return table_message(NFT_MSG_NEWTABLE, NLM_F_CREATE, table);
}

Message encode_delete_table() {
  return table_message(NFT_MSG_DELTABLE, 0, our_table());
}

Message encode_get_table() {
  return table_message(NFT_MSG_GETTABLE, 0, our_table());
}

Result<Ours<NftTableConfig>> decode_table(netlink::MessageView message) {
  const auto attributes = our_attributes(message, NFT_MSG_NEWTABLE, NFTA_TABLE_MAX);
  if (!attributes) return attributes.error();
  if (!*attributes) return Ours<NftTableConfig>();
  const auto flags = number_or((**attributes)[NFTA_TABLE_FLAGS], std::uint32_t{0});
  if (!flags) return flags.error();
  return Ours<NftTableConfig>(NftTableConfig{*flags});
}

Result<Message> encode_new_chain(const NftChainKey& key, const NftChainConfig& config) {
  const auto chain = chain_handle(key);
  if (!chain) return chain.error();
  if (config.hook != NftHook::kNone) {
    nftnl_chain_set_str(chain->get(), NFTNL_CHAIN_TYPE, config.type.c_str());
    nftnl_chain_set_u32(chain->get(), NFTNL_CHAIN_HOOKNUM, number_of(config.hook));
    nftnl_chain_set_s32(chain->get(), NFTNL_CHAIN_PRIO, config.priority);
    nftnl_chain_set_u32(chain->get(), NFTNL_CHAIN_POLICY,
                        config.accept_policy ? NF_ACCEPT : NF_DROP);
  }
  return chain_message(NFT_MSG_NEWCHAIN, NLM_F_CREATE, *chain);
}

Result<Message> encode_delete_chain(const NftChainKey& key) {
  const auto chain = chain_handle(key);
  if (!chain) return chain.error();
  return chain_message(NFT_MSG_DELCHAIN, 0, *chain);
}

Message encode_dump_chains() {
  return build_message(NFT_MSG_GETCHAIN, 0, [](nlmsghdr*) {});
}

Result<Ours<DecodedChain>> decode_chain(netlink::MessageView message) {
  const auto ours = our_attributes(message, NFT_MSG_NEWCHAIN, NFTA_CHAIN_MAX);
  if (!ours) return ours.error();
  if (!*ours) return Ours<DecodedChain>();
  const netlink::AttributeTable& attributes = **ours;

  auto name = attributes[NFTA_CHAIN_NAME].as_text();
  if (!name) return name.error();
  DecodedChain chain{NftChainKey{std::move(*name)}, {}, false};
  const auto flags = number_or(attributes[NFTA_CHAIN_FLAGS], std::uint32_t{0});
  if (!flags) return flags.error();
  chain.anonymous = (*flags & NFT_CHAIN_BINDING) != 0;
  if (attributes[NFTA_CHAIN_HOOK].present()) {
    if (const Status read = read_base_chain(attributes, chain.config); !read) return read.error();
  }
  if ((*flags & NFT_CHAIN_HW_OFFLOAD) != 0) chain.config.type += " offloaded";
  return Ours<DecodedChain>(std::move(chain));
}

Message encode_get_generation() {
  return build_message(NFT_MSG_GETGEN, 0, [](nlmsghdr*) {});
}

Result<std::uint32_t> decode_generation(netlink::MessageView message) {
  const auto attributes = attributes_of(message, NFTA_GEN_MAX);
  if (!attributes) return attributes.error();
  const auto generation = (*attributes)[NFTA_GEN_ID].as<std::uint32_t>();
  if (!generation) return generation.error();
  return be32toh(*generation);
}

}  // namespace twobox::nftables
