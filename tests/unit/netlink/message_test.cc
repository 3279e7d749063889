#include "backends/netlink/message.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <climits>

#include "tests/unit/netlink/bytes.h"

using namespace twobox;
using namespace twobox::netlink;

namespace {

Bytes error_code(std::int32_t code) {
  Bytes bytes;
  append(bytes, code);
  return bytes;
}

/// NLMSG_ERROR with the refused request's header, and `tail` behind it.
Bytes acknowledgement(std::int32_t code, unsigned flags, const Bytes& tail = {},
                      std::uint32_t request_length = sizeof(nlmsghdr)) {
  Bytes payload = error_code(code);
  append(payload, nlmsghdr{request_length, 40, NLM_F_REQUEST, 1, 0});
  return message(NLMSG_ERROR, flags, payload + tail);
}

const Bytes kReason =
    attribute(NLMSGERR_ATTR_OFFS, error_code(20)) +
    attribute(NLMSGERR_ATTR_MSG, bytes_of_text(std::string_view("unknown attribute\0", 18)));

}  // namespace

TEST_CASE("an acknowledgement is success or the kernel's errno in words") {
  CHECK(read_acknowledgement(acknowledgement(0, NLM_F_CAPPED)).has_value());
  const Status refused = read_acknowledgement(acknowledgement(-ENOENT, NLM_F_CAPPED));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error() == Error{ErrorKind::kKernelRefused, ENOENT, "No such file or directory"});
}

TEST_CASE("the kernel's own words follow strerror's, wherever they stand") {
  struct Row {
    std::string_view what;
    Bytes bytes;
    std::string_view want;
  };
  const Row rows[] = {
      {"capped", acknowledgement(-EINVAL, NLM_F_CAPPED | NLM_F_ACK_TLVS, kReason),
       "Invalid argument (unknown attribute)"},
      {"behind the whole request",
       acknowledgement(-EINVAL, NLM_F_ACK_TLVS, Bytes(8) + kReason, sizeof(nlmsghdr) + 8),
       "Invalid argument (unknown attribute)"},
      {"not announced", acknowledgement(-EINVAL, NLM_F_CAPPED, kReason), "Invalid argument"},
      {"announced, not there", acknowledgement(-EINVAL, NLM_F_CAPPED | NLM_F_ACK_TLVS),
       "Invalid argument"},
      {"cut off",
       acknowledgement(-EINVAL, NLM_F_CAPPED | NLM_F_ACK_TLVS, attribute_claiming(90, 1, {})),
       "Invalid argument"},
      {"a request that claims to be longer than the answer",
       acknowledgement(-EINVAL, NLM_F_ACK_TLVS, kReason, 0xffffffff), "Invalid argument"},
      {"a request that claims to be shorter than its header",
       acknowledgement(-EINVAL, NLM_F_ACK_TLVS, kReason, 0),
       "Invalid argument (unknown attribute)"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    const Status refused = read_acknowledgement(row.bytes);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().message == row.want);
    CHECK(refused.error().errno_value == EINVAL);
  }
}

TEST_CASE("an impossible acknowledgement is a malformed message, not an errno") {
  for (const Bytes& bytes : {acknowledgement(5, 0), acknowledgement(INT_MIN, 0),
                             message(NLMSG_ERROR, 0, {}), message(NLMSG_ERROR, 0, Bytes(19))}) {
    const Status status = read_acknowledgement(bytes);
    REQUIRE_FALSE(status.has_value());
    CHECK(status.error().kind == ErrorKind::kTransport);
    CHECK(status.error().errno_value == EBADMSG);
  }
}

TEST_CASE("a dump's end carries its error") {
  CHECK(read_dump_end(message(NLMSG_DONE, 0, {})).has_value());
  CHECK(read_dump_end(message(NLMSG_DONE, 0, error_code(0))).has_value());
  CHECK(read_dump_end(message(NLMSG_DONE, 0, error_code(12))).has_value());
  const Status refused =
      read_dump_end(message(NLMSG_DONE, NLM_F_ACK_TLVS, error_code(-EINVAL) + kReason));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error() ==
        Error{ErrorKind::kKernelRefused, EINVAL, "Invalid argument (unknown attribute)"});
  CHECK_FALSE(read_dump_end(message(NLMSG_DONE, 0, error_code(INT_MIN))).has_value());
}

TEST_CASE("attributes_of skips both headers, the family's with its padding") {
  const Bytes whole = message(40, 0, Bytes(4) + attribute(1, Bytes(1)));
  for (const std::size_t header : {1U, 3U, 4U}) {
    const auto payload = attributes_of(whole, header);
    REQUIRE(payload.has_value());
    CHECK(payload->size() == 8);
  }
  CHECK(attributes_of(whole, 12)->empty());
  CHECK_FALSE(attributes_of(whole, 13).has_value());
  CHECK_FALSE(attributes_of(message(40, 0, {}), 4).has_value());
}
