// Requests, acknowledgements and dumps over netlink: once, for all four subsystems.
#pragma once

#include <linux/netlink.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "backends/netlink/handles.h"
#include "schema/error.h"

namespace twobox::netlink {

/// One message, header included; the view ends with the handler's call.
using MessageView = std::span<const std::byte>;

/// The message's header, copied out. `message` holds at least one header.
nlmsghdr header_of(MessageView message);

/// The payload behind the netlink header and a family header of `family_header` bytes.
/// Error: kTransport (EBADMSG) if the message is shorter.
Result<MessageView> attributes_of(MessageView message, std::size_t family_header);

/// A connected netlink socket with a deadline on every exchange. Not thread-safe.
class Socket {
 public:
  /// `protocol` is NETLINK_ROUTE, NETLINK_GENERIC or NETLINK_NETFILTER.
  /// Error: kTransport with errno (EPROTONOSUPPORT when the kernel lacks the protocol).
  static Result<Socket> open(int protocol,
                             std::chrono::milliseconds deadline = std::chrono::seconds(2));

  /// Sends one request that the kernel answers with an acknowledgement; data messages that come
  /// before it go to `on_message`. The sequence number and NLM_F_ACK are set here.
  /// Errors: kKernelRefused with errno and the extended-ack text; kTransport.
  Status request(nlmsghdr* message, const std::function<Status(MessageView)>& on_message = {});

  /// Sends NLM_F_DUMP and hands every message of the answer to `on_message`. A dump that a change
  /// interrupted (NLM_F_DUMP_INTR) is read again, up to 5 times, after `restart` has thrown away what
  /// was collected. Errors: kTornDump after the last attempt; otherwise as request(), and whatever
  /// on_message returns.
  Status dump(nlmsghdr* message, const std::function<void()>& restart,
              const std::function<Status(MessageView)>& on_message);

  /// Sends requests back to back (each gets NLM_F_ACK and its own sequence number) and returns the
  /// outcome of each, in order. A window keeps the receive buffer from overflowing.
  std::vector<Status> request_all(std::span<nlmsghdr* const> messages);

  /// Sends one nfnetlink batch: begin, `messages`, end, each with its own sequence number and
  /// NLM_F_ACK; the kernel carries out all or none. One outcome per message; if any was refused,
  /// those without a fault of their own say ECANCELED and name the one that was refused.
  std::vector<Status> transaction(std::span<nlmsghdr* const> messages, std::uint16_t resource_id);

 private:
  Socket(SocketHandle handle, std::chrono::milliseconds deadline)
      : handle_(std::move(handle)), deadline_(deadline) {}

  struct Exchange;
  Status send(std::span<const std::byte> bytes);
  Status receive(std::chrono::steady_clock::time_point until,
                 const std::function<void(MessageView)>& on_message);
  Status dump_once(nlmsghdr* message, const std::function<Status(MessageView)>& on_message);
  std::uint32_t next_sequence() { return ++sequence_; }

  SocketHandle handle_;
  std::chrono::milliseconds deadline_;
  std::uint32_t sequence_ = 0;
  std::vector<std::byte> buffer_;
};

/// Reads an NLMSG_ERROR message: success() for an acknowledgement, else kKernelRefused with errno,
/// strerror's words and the kernel's own (NLMSGERR_ATTR_MSG) if it gave any.
Status read_acknowledgement(MessageView message);

}  // namespace twobox::netlink
