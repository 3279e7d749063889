// Sets and maps: objects <-> messages.
#pragma once

#include <cstdint>

#include "backends/netlink/socket.h"
#include "backends/nftables/message.h"
#include "reconciler/objects.h"
#include "schema/error.h"

namespace twobox::nftables {

/// In NftSetConfig::other_flags: the set has something that no NFT_SET_* flag tells of, and that
/// can refuse our elements or change what they match: a size limit, a policy, timeouts,
/// expressions. The kernel's own flags (enum nft_set_flags) count up from the other end.
constexpr std::uint32_t kSetHasExtras = 1U << 31U;

/// True for a set whose elements we read as more than bytes.
bool is_plain(const NftSetConfig& config);

/// `id` tells the sets of one batch apart. Error: kBug for a set we never write.
Result<Message> encode_new_set(const NftSetKey& key, const NftSetConfig& config, std::uint32_t id);
Result<Message> encode_delete_set(const NftSetKey& key);
/// NFT_MSG_GETSET, to be dumped: the sets of our table.
Message encode_dump_sets();

struct DecodedSet {
  NftSetKey key;
  NftSetConfig config;
  bool anonymous = false;  // written inside one rule; comes and goes with it (NFT_SET_ANONYMOUS)
};
/// No value: a set of another table. Error: kTransport (EBADMSG).
Result<Ours<DecodedSet>> decode_set(netlink::MessageView message);

}  // namespace twobox::nftables
