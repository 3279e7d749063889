#include "backends/netlink/socket.h"

#include <netlink/errno.h>
#include <netlink/netlink.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

namespace twobox::netlink {
namespace {

constexpr int kDumpReadings = 1 + 5;  // the first and five more
// What one acknowledgement takes of the receive buffer: a small sk_buff with its data, and the
// kernel's text when it refuses. (net/netlink/af_netlink.c, netlink_ack)
constexpr std::size_t kAcknowledgementRoom = 1536;

void set_buffer_size(int fd, int forced_option, int option, std::size_t bytes) {
  const int size = static_cast<int>(std::min<std::size_t>(bytes, INT_MAX / 2));
  // Forcing needs CAP_NET_ADMIN; without it net.core.[rw]mem_max is the limit.
  if (::setsockopt(fd, SOL_SOCKET, forced_option, &size, sizeof(size)) != 0)
    ::setsockopt(fd, SOL_SOCKET, option, &size, sizeof(size));
}

/// Enlarges a socket buffer to at least `bytes`, if it is not `known` to be as large; a refusal
/// shows when the buffer overflows.
void ensure_buffer(int fd, int forced_option, int option, std::size_t bytes, std::size_t& known) {
  if (bytes <= known) return;
  int now = 0;
  socklen_t length = sizeof(now);
  ::getsockopt(fd, SOL_SOCKET, option, &now, &length);
  known = static_cast<std::size_t>(std::max(now, 0));
  if (bytes <= known) return;
  set_buffer_size(fd, forced_option, option, bytes);
  known = bytes;
}

}  // namespace

Result<Socket> Socket::open(int protocol, std::chrono::milliseconds deadline,
                            std::size_t receive_size) {
  SocketHandle handle(nl_socket_alloc());
  if (!handle) return transport_error(ENOMEM, "allocate a netlink socket");
  errno = 0;
  if (const int code = nl_connect(handle.get(), protocol); code < 0) {
    // libnl's codes are not errnos; the system call's own value is still in errno.
    if (errno != 0) return transport_error(errno, "open a netlink socket");
    return Error{ErrorKind::kTransport, 0,
                 std::string("open a netlink socket: ") + nl_geterror(code)};
  }
  const int fd = nl_socket_get_fd(handle.get());
  const int on = 1;
  // Kernels before 4.12 (and 4.20 for strict checks) lack these; they only sharpen the answers.
  ::setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
  ::setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
  // Without it rtnetlink ignores the filters of a dump request and whatever else it can't read.
  if (protocol == NETLINK_ROUTE)
    ::setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
  return Socket(std::move(handle), deadline, receive_size);
}

std::uint32_t Socket::next_sequence() {
  if (++sequence_ == 0) ++sequence_;  // notifications carry 0
  return sequence_;
}

void Socket::ensure_receive_room(std::size_t acknowledgements) {
  ensure_buffer(nl_socket_get_fd(handle_.get()), SO_RCVBUFFORCE, SO_RCVBUF,
                acknowledgements * kAcknowledgementRoom, receive_room_);
}

Status Socket::send(std::span<const std::byte> bytes) {
  const int fd = nl_socket_get_fd(handle_.get());
  // The kernel compares a message with the buffer less 32. (af_netlink.c, netlink_sendmsg)
  ensure_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, bytes.size() + 64, send_room_);
  for (;;) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), 0);
    if (sent >= 0) return success();  // netlink takes a message whole or not at all
    if (errno != EINTR) return transport_error(errno, "send to the kernel");
  }
}

// Whatever an earlier, failed exchange left behind: late answers, the rest of a dump (which would
// make the kernel refuse the next one with EBUSY), a pending ENOBUFS. Sequence numbers alone would
// keep the answers apart, but not these two.
void Socket::discard_old_answers() {
  if (std::exchange(answered_in_full_, false)) return;
  const int fd = nl_socket_get_fd(handle_.get());
  const auto until = Clock::now() + deadline_;
  std::byte nothing{};
  while (Clock::now() < until) {
    if (::recv(fd, &nothing, sizeof(nothing), MSG_DONTWAIT) >= 0) continue;
    if (errno != ENOBUFS && errno != EINTR) return;
  }
}

Status Socket::wait_for_datagram(Clock::time_point until) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
  if (left.count() <= 0) return transport_error(ETIMEDOUT, "wait for the kernel's answer");
  pollfd waiting{nl_socket_get_fd(handle_.get()), POLLIN, 0};
  const int timeout = static_cast<int>(std::min<std::int64_t>(left.count(), INT_MAX));
  if (::poll(&waiting, 1, timeout) < 0 && errno != EINTR)
    return transport_error(errno, "wait for the kernel's answer");
  return success();
}

/// Reads one datagram into buffer_; empty if it came from somebody else than the kernel. The rest
/// of one that is larger is lost (EMSGSIZE); the next one of its size is not.
Result<MessageView> Socket::receive_datagram(Clock::time_point until) {
  sockaddr_nl sender{};
  iovec part{buffer_.data(), buffer_.size()};
  msghdr header{};
  header.msg_name = &sender;
  header.msg_namelen = sizeof(sender);
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  for (;;) {
    const ssize_t got =
        ::recvmsg(nl_socket_get_fd(handle_.get()), &header, MSG_TRUNC | MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      if (const Status waited = wait_for_datagram(until); !waited) return waited.error();
      continue;
    }
    if (got < 0) return transport_error(errno, "read from netlink");
    const auto size = static_cast<std::size_t>(got);
    if (size > buffer_.size()) {
      buffer_.resize(std::max(size, kLargestDumpPart));
      return transport_error(EMSGSIZE, "read from netlink");
    }
    // Another process may send to our port (netlink allows it to root); it has no say here.
    if (header.msg_namelen != sizeof(sender) || sender.nl_pid != 0) return MessageView{};
    return MessageView(buffer_.data(), size);
  }
}

Status Socket::receive(Clock::time_point until,
                       const std::function<void(MessageView)>& on_message) {
  const auto datagram = receive_datagram(until);
  if (!datagram) return datagram.error();
  MessageView rest = *datagram;
  while (!rest.empty()) {
    if (rest.size() < sizeof(nlmsghdr))
      return malformed_message(std::to_string(rest.size()) +
                               " bytes are left, too few for a header");
    const nlmsghdr header = header_of(rest);
    if (header.nlmsg_len < sizeof(nlmsghdr) || header.nlmsg_len > rest.size())
      return malformed_message("its length is " + std::to_string(header.nlmsg_len) + ", but " +
                               std::to_string(rest.size()) + " bytes are left");
    if (header.nlmsg_type == NLMSG_OVERRUN) return transport_error(ENOBUFS, "read from netlink");
    on_message(rest.first(header.nlmsg_len));
    rest = rest.subspan(std::min(message_aligned(header.nlmsg_len), rest.size()));
  }
  return success();
}

Status Socket::request(nlmsghdr* message, const std::function<Status(MessageView)>& on_message) {
  const std::uint32_t sequence = next_sequence();
  message->nlmsg_seq = sequence;
  message->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
  discard_old_answers();
  if (const Status sent = send(bytes_of(message)); !sent) return sent;

  const auto until = Clock::now() + deadline_;
  std::optional<Status> answer;
  Status handled = success();
  while (!answer) {
    const Status received = receive(until, [&](MessageView part) {
      const nlmsghdr header = header_of(part);
      if (header.nlmsg_seq != sequence || answer) return;
      if (header.nlmsg_type == NLMSG_ERROR) answer = read_acknowledgement(part);
      if (header.nlmsg_type >= NLMSG_MIN_TYPE && on_message && handled) handled = on_message(part);
    });
    if (!received) return received;
  }
  answered_in_full_ = true;
  return *answer ? handled : *answer;
}

Status Socket::dump(nlmsghdr* message, const std::function<void()>& restart,
                    const std::function<Status(MessageView)>& on_message) {
  for (int reading = 0; reading < kDumpReadings; ++reading) {
    if (reading > 0 && restart) restart();
    Dump dump = dump_once(message, on_message);
    if (!dump.is_torn) return std::move(dump.outcome);
  }
  return Error{ErrorKind::kTornDump, EINTR,
               "changes interrupted all of " + std::to_string(kDumpReadings) +
                   " attempts to read the table"};
}

/// After the handler's first complaint the rest is read, so that the dump ends, and ignored.
void Socket::take_part(MessageView part, Dump& dump,
                       const std::function<Status(MessageView)>& on_message) {
  const nlmsghdr header = header_of(part);
  if ((header.nlmsg_flags & NLM_F_DUMP_INTR) != 0) dump.is_torn = true;
  dump.has_ended = header.nlmsg_type == NLMSG_DONE || header.nlmsg_type == NLMSG_ERROR;
  if (header.nlmsg_type == NLMSG_ERROR) dump.outcome = read_acknowledgement(part);
  if (!dump.outcome) return;
  if (header.nlmsg_type == NLMSG_DONE) dump.outcome = read_dump_end(part);
  if (header.nlmsg_type >= NLMSG_MIN_TYPE) dump.outcome = on_message(part);
}

Socket::Dump Socket::dump_once(nlmsghdr* message,
                               const std::function<Status(MessageView)>& on_message) {
  const std::uint32_t sequence = next_sequence();
  message->nlmsg_seq = sequence;
  message->nlmsg_flags |= NLM_F_REQUEST | NLM_F_DUMP;
  discard_old_answers();
  if (Status sent = send(bytes_of(message)); !sent) return {std::move(sent)};

  const auto until = Clock::now() + deadline_;
  Dump dump;
  while (!dump.has_ended) {
    Status received = receive(until, [&](MessageView part) {
      if (header_of(part).nlmsg_seq == sequence && !dump.has_ended)
        take_part(part, dump, on_message);
    });
    if (!received && received.error().errno_value == EMSGSIZE) return {success(), true};
    if (!received) return {std::move(received)};
  }
  answered_in_full_ = true;
  return dump;
}

}  // namespace twobox::netlink
