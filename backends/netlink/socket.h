// Requests, acknowledgements and dumps over netlink: once, for all four subsystems.
#pragma once

#include <linux/netlink.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "backends/netlink/handles.h"
#include "backends/netlink/message.h"
#include "schema/error.h"

namespace twobox::netlink {

/// A connected netlink socket with a deadline on every exchange. Not thread-safe.
class Socket {
 public:
  /// `protocol` is NETLINK_ROUTE, NETLINK_GENERIC or NETLINK_NETFILTER. `receive_size` is how many
  /// bytes of a dump are read at a time, up to 32 KiB. The kernel allocates and clears as much for
  /// each part of a dump, however little there is to tell. (net/netlink/af_netlink.c, netlink_dump)
  /// Error: kTransport with errno (EPROTONOSUPPORT when the kernel lacks the protocol).
  static Result<Socket> open(int protocol,
                             std::chrono::milliseconds deadline = std::chrono::seconds(2),
                             std::size_t receive_size = kLargestDumpPart);
  static constexpr std::size_t kLargestDumpPart = std::size_t{32} * 1024;

  /// The port that the kernel knows this socket by, unique among those of its protocol and network
  /// namespace. Notifications carry it in nlmsg_pid.
  std::uint32_t port() const { return nl_socket_get_local_port(handle_.get()); }

  /// Sends one request that the kernel answers with an acknowledgement; data messages that come
  /// before it go to `on_message`. The sequence number and NLM_F_ACK are set here.
  /// Errors: kKernelRefused with errno and the extended-ack text; kTransport.
  Status request(nlmsghdr* message, const std::function<Status(MessageView)>& on_message = {});

  /// Sends NLM_F_DUMP and hands every message of the answer to `on_message`. A dump that a change
  /// interrupted (NLM_F_DUMP_INTR) is read again, up to 5 times, after `restart` has thrown away
  /// what was collected. Errors: kTornDump after the last attempt; otherwise as request(), and
  /// whatever on_message returns.
  Status dump(nlmsghdr* message, const std::function<void()>& restart,
              const std::function<Status(MessageView)>& on_message);

  /// Sends requests back to back (each gets its own sequence number) and returns the outcome of
  /// each, in order. A window keeps the receive buffer from overflowing. A request without
  /// NLM_F_ACK is answered only if it is refused, which spares half of what it costs; one with it
  /// that the kernel has taken without an answer gives kKernelRefused with EINTR.
  std::vector<Status> request_all(std::span<nlmsghdr* const> messages);

  /// Sends one nfnetlink batch: begin, `messages`, end, each with its own sequence number and
  /// NLM_F_ACK; the kernel carries out all or none. One outcome per message; if any was refused,
  /// those without a fault of their own say ECANCELED and name the one that was refused.
  std::vector<Status> transaction(std::span<nlmsghdr* const> messages, std::uint16_t resource_id);

 private:
  Socket(SocketHandle handle, std::chrono::milliseconds deadline, std::size_t receive_size)
      : handle_(std::move(handle)), deadline_(deadline), buffer_(receive_size) {}

  using Clock = std::chrono::steady_clock;
  struct Dump {
    Status outcome = success();
    bool is_torn = false;
    bool has_ended = false;
  };
  /// What came back for requests with consecutive sequence numbers.
  struct Answers {
    std::vector<std::optional<Status>> by_request;
    std::optional<Error> batch_refusal;  // the answer to the batch's begin message
    Status failure = success();          // why answers are missing; the outcome of those is unknown
  };

  Status send(std::span<const std::byte> bytes);
  void discard_old_answers();
  void ensure_receive_room(std::size_t acknowledgements);
  Status wait_for_datagram(Clock::time_point until);
  Result<MessageView> receive_datagram(Clock::time_point until);
  Status receive(Clock::time_point until, const std::function<void(MessageView)>& on_message);
  Dump dump_once(nlmsghdr* message, const std::function<Status(MessageView)>& on_message);
  static void take_part(MessageView part, Dump& dump,
                        const std::function<Status(MessageView)>& on_message);
  std::vector<Status> request_window(std::span<nlmsghdr* const> messages);
  std::vector<Status> transaction_once(std::span<nlmsghdr* const> messages,
                                       std::uint16_t resource_id);
  Answers collect_answers(std::uint32_t first_sequence, std::size_t count);
  static std::vector<Status> batch_outcomes(const Answers& answers);
  std::uint32_t next_sequence();
  /// The first of `count` consecutive sequence numbers; the one before it is a batch's begin, the
  /// one behind the last is its end or a window's fence.
  std::uint32_t reserve_sequences(std::size_t count);

  SocketHandle handle_;
  std::chrono::milliseconds deadline_;
  std::uint32_t sequence_ = 0;
  std::vector<std::byte> buffer_;
  std::size_t send_room_ = 0;  // of the kernel's buffers, at least
  std::size_t receive_room_ = 0;
  bool answered_in_full_ = true;  // nothing of an earlier exchange can be left
};

}  // namespace twobox::netlink
