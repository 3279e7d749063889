#include "backends/netlink/message.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <system_error>

#include "backends/netlink/attributes.h"

namespace twobox::netlink {
namespace {

std::string words_of(int errno_value) {
  return std::generic_category().message(errno_value);
}

/// kKernelRefused with strerror's words, and the kernel's own (NLMSGERR_ATTR_MSG) if there are
/// extended-ack attributes `offset` bytes into the message.
Error refusal(MessageView message, int errno_value, std::size_t offset) {
  Error error{ErrorKind::kKernelRefused, errno_value, words_of(errno_value)};
  if ((header_of(message).nlmsg_flags & NLM_F_ACK_TLVS) == 0 || offset > message.size())
    return error;
  const auto table = AttributeTable::parse(message.subspan(offset), NLMSGERR_ATTR_MAX);
  if (!table) return error;
  const auto reason = (*table)[NLMSGERR_ATTR_MSG].as_text();
  if (reason && !reason->empty()) error.message += " (" + *reason + ")";
  return error;
}

}  // namespace

Error transport_error(int errno_value, std::string_view doing) {
  return {ErrorKind::kTransport, errno_value, std::string(doing) + ": " + words_of(errno_value)};
}

Error malformed_message(std::string_view what) {
  return {ErrorKind::kTransport, EBADMSG, "malformed netlink message: " + std::string(what)};
}

std::size_t message_aligned(std::size_t size) {
  return (size + NLMSG_ALIGNTO - 1) & ~(NLMSG_ALIGNTO - 1UL);
}

std::span<const std::byte> bytes_of(const nlmsghdr* message) {
  return {reinterpret_cast<const std::byte*>(message), message->nlmsg_len};
}

nlmsghdr header_of(MessageView message) {
  nlmsghdr header{};
  std::memcpy(&header, message.data(), sizeof(header));
  return header;
}

Result<MessageView> attributes_of(MessageView message, std::size_t family_header) {
  const std::size_t offset = sizeof(nlmsghdr) + message_aligned(family_header);
  if (message.size() < offset)
    return malformed_message(std::to_string(message.size()) + " bytes, expected at least " +
                             std::to_string(offset));
  return message.subspan(offset);
}

Status read_acknowledgement(MessageView message) {
  if (message.size() < sizeof(nlmsghdr) + sizeof(nlmsgerr))
    return malformed_message("an acknowledgement of " + std::to_string(message.size()) + " bytes");
  nlmsgerr fixed{};
  std::memcpy(&fixed, message.data() + sizeof(nlmsghdr), sizeof(fixed));
  if (fixed.error == 0) return success();
  if (fixed.error > 0 || fixed.error == INT_MIN)
    return malformed_message("an acknowledgement with the impossible error code " +
                             std::to_string(fixed.error));

  std::size_t end = sizeof(nlmsghdr) + sizeof(nlmsgerr);
  // Unless it is capped, the refused request comes back whole, before the attributes.
  if ((header_of(message).nlmsg_flags & NLM_F_CAPPED) == 0)
    end += message_aligned(std::max<std::size_t>(fixed.msg.nlmsg_len, sizeof(nlmsghdr))) -
           sizeof(nlmsghdr);
  return refusal(message, -fixed.error, end);
}

Status read_dump_end(MessageView message) {
  constexpr std::size_t kEnd = sizeof(nlmsghdr) + sizeof(std::int32_t);
  std::int32_t code = 0;
  if (message.size() >= kEnd) std::memcpy(&code, message.data() + sizeof(nlmsghdr), sizeof(code));
  if (code >= 0) return success();  // some dumps end with a count
  if (code == INT_MIN) return malformed_message("a dump ended with an impossible error code");
  return refusal(message, -code, kEnd);
}

}  // namespace twobox::netlink
