// The table and its chains: objects <-> messages.
#pragma once

#include <cstdint>

#include "backends/netlink/socket.h"
#include "backends/nftables/message.h"
#include "reconciler/objects.h"
#include "schema/error.h"

namespace twobox::nftables {

/// NFT_MSG_NEWTABLE, with a comment that tells whoever lists it who holds it.
Message encode_new_table(const NftTableConfig& config);
/// NFT_MSG_DELTABLE; all that is in the table goes with it.
Message encode_delete_table();
/// NFT_MSG_GETTABLE for our table alone; ENOENT when it does not exist.
Message encode_get_table();
/// No value: a table of another name or family. Error: kTransport (EBADMSG).
Result<Ours<NftTableConfig>> decode_table(netlink::MessageView message);

/// Error: kBug for a name the kernel's message has no room for.
Result<Message> encode_new_chain(const NftChainKey& key, const NftChainConfig& config);
Result<Message> encode_delete_chain(const NftChainKey& key);
/// NFT_MSG_GETCHAIN, to be dumped: every chain of family inet.
Message encode_dump_chains();

struct DecodedChain {
  NftChainKey key;
  NftChainConfig config;
  // Made for the braces of a jump in one rule; comes and goes with that rule (NFT_CHAIN_BINDING).
  bool anonymous = false;
};
/// No value: a chain of another table. Error: kTransport (EBADMSG).
Result<Ours<DecodedChain>> decode_chain(netlink::MessageView message);

/// NFT_MSG_GETGEN: asks for the number of the last change to any table.
Message encode_get_generation();
/// Reads NFT_MSG_NEWGEN. Error: kTransport (EBADMSG).
Result<std::uint32_t> decode_generation(netlink::MessageView message);

}  // namespace twobox::nftables
