// Elements of sets and maps: objects <-> messages.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>

#include "backends/netlink/socket.h"
#include "backends/nftables/message.h"
#include "reconciler/objects.h"
#include "schema/error.h"

namespace twobox::nftables {

/// One message lists at most so many elements: each takes less than 100 bytes, and the attribute
/// that holds the list less than 64 KiB.
constexpr std::size_t kElementsPerMessage = 512;

struct Element {
  NftElementKey key;
  NftElementConfig config;
};

/// `elements` are at most kElementsPerMessage, all of `set`. Adding an element that is there
/// already with the same value succeeds, and leaves it its timeout, counter and the like: only
/// deleting it first takes these off. Error: kBug for an element we never write.
Result<Message> encode_new_elements(const std::string& set, std::span<const Element> elements);
/// Deletes by key, whatever else the elements carry.
Result<Message> encode_delete_elements(const std::string& set, std::span<const Element> elements);

/// NFT_MSG_GETSETELEM, to be dumped: the elements of one set of our table.
/// Error: kBug for a name the kernel's message has no room for.
Result<Message> encode_dump_elements(const std::string& set);

/// Adds the elements listed in `message` to `elements`. Those of a set of no kind of ours, keys we
/// have no words for and the catch-all (no bytes) are read as OpaqueElement, so that they equal
/// none of ours. Comments are passed over. `set` is the set the dump was asked for. Error:
/// kTransport (EBADMSG).
Status decode_elements(netlink::MessageView message, const NftSetKey& set,
                       const NftSetConfig& config,
                       std::map<NftElementKey, NftElementConfig>& elements);

}  // namespace twobox::nftables
