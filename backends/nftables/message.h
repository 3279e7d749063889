// nftables messages: our own, built by libnftnl, and the kernel's, made safe to hand to it.
#pragma once

#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "backends/netlink/attributes.h"
#include "backends/netlink/socket.h"
#include "schema/error.h"

namespace twobox::nftables {

/// The longest name of a table, chain or set (NFT_NAME_MAXLEN less its NUL).
constexpr std::size_t kLongestName = 255;

/// One whole message in memory of its own, aligned as nlmsghdr asks for.
class Message {
 public:
  explicit Message(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}

  nlmsghdr* header() { return reinterpret_cast<nlmsghdr*>(bytes_.data()); }
  netlink::MessageView view() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

/// A message of family inet. `type` is NFT_MSG_*; `flags` is added to NLM_F_REQUEST; `fill` appends
/// the attributes, at most 64 KiB: libnftnl checks no capacity, so whoever calls bounds its input.
Message build_message(std::uint16_t type, std::uint16_t flags,
                      const std::function<void(nlmsghdr*)>& fill);

/// True for a message of the nf_tables subsystem with this NFT_MSG_*.
bool is_of_type(netlink::MessageView message, std::uint16_t type);

/// The attributes behind nfgenmsg. Error: kTransport (EBADMSG).
Result<netlink::AttributeTable> attributes_of(netlink::MessageView message,
                                              std::uint16_t highest_type);

/// What was read from a message, or nothing when the message is about somebody else's table: not
/// every kernel filters a dump by table.
template <typename T>
using Ours = std::optional<T>;

/// The attributes of a message of this type about the table `inet twobox`.
/// Error: kTransport (EBADMSG).
Result<Ours<netlink::AttributeTable>> our_attributes(netlink::MessageView message,
                                                     std::uint16_t type,
                                                     std::uint16_t highest_type);

/// A number in network order, as nf_tables sends all of its own; `absent` when it is not there.
/// Error: kTransport on another size.
Result<std::uint32_t> number_or(const netlink::AttributeView& attribute, std::uint32_t absent);
Result<std::uint64_t> number_or(const netlink::AttributeView& attribute, std::uint64_t absent);

}  // namespace twobox::nftables
