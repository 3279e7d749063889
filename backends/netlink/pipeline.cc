// The parts of Socket that have several requests under way at once.
#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>

#include "backends/netlink/socket.h"

namespace twobox::netlink {
namespace {

constexpr int kTransactionAttempts = 3;  // resent only when the kernel carried out nothing
constexpr std::size_t kWindowMessages = 64;
constexpr std::size_t kWindowBytes = std::size_t{32} * 1024;

void append(std::vector<std::byte>& buffer, std::span<const std::byte> bytes) {
  buffer.insert(buffer.end(), bytes.begin(), bytes.end());
  buffer.resize(message_aligned(buffer.size()));
}

void append_requests(std::vector<std::byte>& bytes, std::span<nlmsghdr* const> messages,
                     std::uint32_t first_sequence, std::uint16_t flags) {
  for (nlmsghdr* const message : messages) {
    message->nlmsg_seq = first_sequence++;
    message->nlmsg_flags |= flags;
    append(bytes, bytes_of(message));
  }
}

void append_fence(std::vector<std::byte>& bytes, std::uint32_t sequence) {
  const nlmsghdr fence{sizeof(fence), NLMSG_NOOP, NLM_F_REQUEST | NLM_F_ACK, sequence, 0};
  append(bytes, netlink::bytes_of(&fence));
}

void append_batch_mark(std::vector<std::byte>& bytes, std::uint16_t type, std::uint32_t sequence,
                       std::uint16_t resource_id) {
  struct {
    nlmsghdr netlink;
    nfgenmsg nfnetlink;
  } mark{{sizeof(mark), type, NLM_F_REQUEST | NLM_F_ACK, sequence, 0},
         {AF_UNSPEC, NFNETLINK_V0, htons(resource_id)}};
  append(bytes, std::as_bytes(std::span(&mark, 1)));
}

bool carried_out_nothing(const Status& outcome) {
  if (outcome || outcome.error().kind != ErrorKind::kKernelRefused) return false;
  const int code = outcome.error().errno_value;
  return code == ERESTART || code == EAGAIN || code == EINTR;
}

}  // namespace

std::uint32_t Socket::reserve_sequences(std::size_t count) {
  const auto span = static_cast<std::uint32_t>(count) + 2;
  if (sequence_ > UINT32_MAX - span) sequence_ = 0;
  const std::uint32_t first = sequence_ + 2;
  sequence_ += span;
  return first;
}

std::vector<Status> Socket::request_all(std::span<nlmsghdr* const> messages) {
  std::vector<Status> outcomes;
  outcomes.reserve(messages.size());
  while (outcomes.size() < messages.size()) {
    const auto rest = messages.subspan(outcomes.size());
    std::size_t count = 0;
    for (std::size_t bytes = 0; count < std::min(rest.size(), kWindowMessages); ++count) {
      bytes += message_aligned(rest[count]->nlmsg_len);
      if (count > 0 && bytes > kWindowBytes) break;
    }
    std::ranges::move(request_window(rest.first(count)), std::back_inserter(outcomes));
  }
  return outcomes;
}

// One datagram holds the whole window: the kernel works through it in order before send() returns
// and has queued every answer by then. Hence the fence behind the last request: when the fence is
// answered, whatever is missing will not come. That is what silence means for a request without
// NLM_F_ACK: it was not refused. With it, the kernel's handler has returned -EINTR, which stopping
// an IPVS sync daemon that has not run yet does. (af_netlink.c, netlink_rcv_skb)
std::vector<Status> Socket::request_window(std::span<nlmsghdr* const> messages) {
  const std::uint32_t first = reserve_sequences(messages.size());
  std::vector<std::byte> bytes;
  append_requests(bytes, messages, first, NLM_F_REQUEST);
  append_fence(bytes, first + static_cast<std::uint32_t>(messages.size()));
  ensure_receive_room(messages.size() + 1);
  discard_old_answers();
  if (const Status sent = send(bytes); !sent) return std::vector<Status>(messages.size(), sent);

  const Answers answers = collect_answers(first, messages.size());
  const Error no_answer{ErrorKind::kKernelRefused, EINTR, "the kernel gave no answer"};
  std::vector<Status> outcomes;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const bool must_answer = (messages[i]->nlmsg_flags & NLM_F_ACK) != 0;
    const Status silence = answers.failure && must_answer ? no_answer : answers.failure;
    outcomes.push_back(answers.by_request[i].value_or(silence));
  }
  return outcomes;
}

Socket::Answers Socket::collect_answers(std::uint32_t first, std::size_t count) {
  Answers answers;
  answers.by_request.resize(count);
  auto until = Clock::now() + deadline_;
  bool ended = false;
  for (std::size_t missing = count; missing > 0 && !ended;) {
    const Status received = receive(until, [&](MessageView part) {
      const nlmsghdr header = header_of(part);
      if (header.nlmsg_type != NLMSG_ERROR) return;
      const Status answer = read_acknowledgement(part);
      if (header.nlmsg_seq == first - 1 && !answer) answers.batch_refusal = answer.error();
      ended = ended || answers.batch_refusal || header.nlmsg_seq == first + count;
      const std::uint32_t index = header.nlmsg_seq - first;
      if (index >= count || answers.by_request[index]) return;
      answers.by_request[index] = answer;
      --missing;
    });
    if (received) continue;
    if (answers.failure) answers.failure = received;
    if (received.error().errno_value != ENOBUFS) break;
    until = Clock::now();  // some answers did not fit; those that did are here already
  }
  return answers;
}

std::vector<Status> Socket::transaction(std::span<nlmsghdr* const> messages,
                                        std::uint16_t resource_id) {
  std::vector<Status> outcomes;
  if (messages.empty()) return outcomes;
  for (int attempt = 0; attempt < kTransactionAttempts; ++attempt) {
    outcomes = transaction_once(messages, resource_id);
    if (std::ranges::none_of(outcomes, carried_out_nothing)) break;
  }
  return outcomes;
}

std::vector<Status> Socket::transaction_once(std::span<nlmsghdr* const> messages,
                                             std::uint16_t resource_id) {
  const std::uint32_t first = reserve_sequences(messages.size());
  std::vector<std::byte> bytes;
  append_batch_mark(bytes, NFNL_MSG_BATCH_BEGIN, first - 1, resource_id);
  append_requests(bytes, messages, first, NLM_F_REQUEST | NLM_F_ACK);
  append_batch_mark(bytes, NFNL_MSG_BATCH_END, first + static_cast<std::uint32_t>(messages.size()),
                    resource_id);
  discard_old_answers();
  ensure_receive_room(messages.size() + 2);
  if (const Status sent = send(bytes); !sent) return std::vector<Status>(messages.size(), sent);
  return batch_outcomes(collect_answers(first, messages.size()));
}

std::vector<Status> Socket::batch_outcomes(const Answers& answers) {
  const std::size_t count = answers.by_request.size();
  // A failed commit is reported on the begin message, and the messages' own answers still say
  // success. (net/netfilter/nfnetlink.c, nfnetlink_rcv_batch)
  if (answers.batch_refusal)
    return std::vector<Status>(count, with_context(*answers.batch_refusal, "the whole batch"));

  const auto refused = std::ranges::find_if(answers.by_request,
                                            [](const auto& answer) { return answer && !*answer; });
  if (refused == answers.by_request.end()) {
    // A lost answer may have been a refusal, and then nothing was carried out.
    return std::vector<Status>(count, answers.failure);
  }
  const Error cancelled{ErrorKind::kKernelRefused, ECANCELED,
                        "not carried out: message " +
                            std::to_string(refused - answers.by_request.begin() + 1) +
                            " of the batch was refused: " + (*refused)->error().message};
  std::vector<Status> outcomes;
  for (const auto& answer : answers.by_request)
    outcomes.push_back(answer && !*answer ? *answer : Status(cancelled));
  return outcomes;
}

}  // namespace twobox::netlink
