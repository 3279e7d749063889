// Taking netlink messages apart: headers, acknowledgements and the ends of dumps.
#pragma once

#include <linux/netlink.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "schema/error.h"

namespace twobox::netlink {

/// One message, header included; the view ends with the handler's call.
using MessageView = std::span<const std::byte>;

/// A message of our own, as long as its header says.
MessageView bytes_of(const nlmsghdr* message);

/// The message's header, copied out. `message` holds at least one header.
nlmsghdr header_of(MessageView message);

/// The payload behind the netlink header and a family header of `family_header` bytes.
/// Error: kTransport (EBADMSG) if the message is shorter.
Result<MessageView> attributes_of(MessageView message, std::size_t family_header);

/// Reads an NLMSG_ERROR message: success() for an acknowledgement, else kKernelRefused with errno,
/// strerror's words and the kernel's own (NLMSGERR_ATTR_MSG) if it gave any.
Status read_acknowledgement(MessageView message);

/// Reads the error code in NLMSG_DONE: success() or kKernelRefused, as read_acknowledgement().
/// Source: net/netlink/af_netlink.c, netlink_dump_done().
Status read_dump_end(MessageView message);

/// kTransport with strerror's words: "read from netlink: Connection timed out".
Error transport_error(int errno_value, std::string_view doing);

/// kTransport (EBADMSG): "malformed netlink message: ...".
Error malformed_message(std::string_view what);

/// The size with the padding that stands before the next message.
std::size_t message_aligned(std::size_t size);

}  // namespace twobox::netlink
