// Exchanges with the running kernel that need no right and change nothing.
#include "backends/netlink/socket.h"

#include <doctest/doctest.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>

#include <cerrno>
#include <chrono>
#include <set>

#include "backends/netlink/attributes.h"

using namespace twobox;
using namespace twobox::netlink;

namespace {

constexpr int kNoSuchIndex = 0x7ffffff0;

Socket open_route() {
  auto socket = Socket::open(NETLINK_ROUTE);
  REQUIRE(socket.has_value());
  return *std::move(socket);
}

/// Asks for one link, or with index 0 for all.
MessageHandle link_request(int index) {
  MessageHandle message(nlmsg_alloc_simple(RTM_GETLINK, 0));
  ifinfomsg header{};
  header.ifi_index = index;
  REQUIRE(nlmsg_append(message.get(), &header, sizeof(header), NLMSG_ALIGNTO) == 0);
  return message;
}

Result<std::string> name_of(MessageView message) {
  const auto payload = attributes_of(message, sizeof(ifinfomsg));
  if (!payload) return payload.error();
  const auto table = AttributeTable::parse(*payload, IFLA_IFNAME);
  if (!table) return table.error();
  return (*table)[IFLA_IFNAME].as_text();
}

}  // namespace

TEST_CASE("a request gets its data and its acknowledgement") {
  Socket socket = open_route();
  std::string name;
  const MessageHandle message = link_request(1);
  const Status status = socket.request(nlmsg_hdr(message.get()), [&](MessageView answer) {
    const auto text = name_of(answer);
    if (!text) return Status(text.error());
    name = *text;
    return success();
  });
  CHECK(status.has_value());
  CHECK(name == "lo");
}

TEST_CASE("a dump in parts larger than the buffer is read again, into a larger one") {
  auto socket = Socket::open(NETLINK_ROUTE, std::chrono::seconds(2), 64);
  REQUIRE(socket.has_value());
  std::set<std::string> names;
  int restarts = 0;
  const MessageHandle message = link_request(0);
  const Status status = socket->dump(
      nlmsg_hdr(message.get()),
      [&] {
        names.clear();
        ++restarts;
      },
      [&](MessageView answer) {
        const auto text = name_of(answer);
        if (text) names.insert(*text);
        return success();
      });
  CHECK(status.has_value());
  CHECK(names.contains("lo"));
  CHECK(restarts == 1);
}

TEST_CASE("a refusal is an errno, and the socket is good for the next request") {
  Socket socket = open_route();
  const MessageHandle wrong = link_request(kNoSuchIndex);
  const Status refused = socket.request(nlmsg_hdr(wrong.get()));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == ErrorKind::kKernelRefused);
  CHECK(refused.error().errno_value == ENODEV);
  const MessageHandle right = link_request(1);
  CHECK(socket.request(nlmsg_hdr(right.get())).has_value());
}

TEST_CASE("a handler's complaint is the result, and the socket stays good") {
  Socket socket = open_route();
  const Error complaint{ErrorKind::kTransport, EBADMSG, "not to my liking"};
  const auto complain = [&](MessageView) { return Status(complaint); };
  for (int i = 0; i < 3; ++i) {
    const MessageHandle one = link_request(1);
    CHECK(socket.request(nlmsg_hdr(one.get()), complain).error() == complaint);
    const MessageHandle all = link_request(0);
    CHECK(socket
              .dump(
                  nlmsg_hdr(all.get()), [] {}, complain)
              .error() == complaint);
  }
}

TEST_CASE("a dump delivers every message once") {
  Socket socket = open_route();
  std::multiset<std::string> names;
  const MessageHandle all = link_request(0);
  const Status status = socket.dump(
      nlmsg_hdr(all.get()), [&] { names.clear(); },
      [&](MessageView answer) {
        const auto name = name_of(answer);
        if (!name) return Status(name.error());
        names.insert(*name);
        return success();
      });
  REQUIRE(status.has_value());
  CHECK(names.count("lo") == 1);
}

TEST_CASE("a dump that the kernel does not know is refused, not endless") {
  Socket socket = open_route();
  const MessageHandle message(nlmsg_alloc_simple(RTM_NEWLINK, 0));
  ifinfomsg header{};
  REQUIRE(nlmsg_append(message.get(), &header, sizeof(header), NLMSG_ALIGNTO) == 0);
  nlmsg_hdr(message.get())->nlmsg_type = RTM_MAX + 1;
  const Status status = socket.dump(
      nlmsg_hdr(message.get()), [] {}, [](MessageView) { return success(); });
  REQUIRE_FALSE(status.has_value());
  CHECK(status.error().kind == ErrorKind::kKernelRefused);
}

TEST_CASE("request_all answers each request in order, over many windows, acknowledged or not") {
  Socket socket = open_route();
  std::vector<MessageHandle> messages;
  std::vector<nlmsghdr*> headers;
  for (int i = 0; i < 1000; ++i) {
    messages.push_back(link_request(i % 3 == 0 ? kNoSuchIndex : 1));
    headers.push_back(nlmsg_hdr(messages.back().get()));
    if (i % 2 == 0) headers.back()->nlmsg_flags |= NLM_F_ACK;
  }
  const std::vector<Status> outcomes = socket.request_all(headers);
  REQUIRE(outcomes.size() == headers.size());
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    CAPTURE(i);
    REQUIRE(outcomes[i].has_value() == (i % 3 != 0));
    if (!outcomes[i]) CHECK(outcomes[i].error().errno_value == ENODEV);
  }
  CHECK(socket.request_all({}).empty());
}

TEST_CASE("a request that is larger than the send buffer and the window goes through") {
  Socket socket = open_route();
  const MessageHandle message(nlmsg_alloc_size(1 << 20));
  ifinfomsg header{};
  header.ifi_index = kNoSuchIndex;
  nlmsghdr* const start = nlmsg_put(message.get(), 0, 0, RTM_GETLINK, 0, 0);
  REQUIRE(start != nullptr);
  REQUIRE(nlmsg_append(message.get(), &header, sizeof(header), NLMSG_ALIGNTO) == 0);
  const std::vector<char> alias(60'000);
  for (int i = 0; i < 4; ++i)
    REQUIRE(nla_put(message.get(), IFLA_IFALIAS, static_cast<int>(alias.size()), alias.data()) ==
            0);
  const Status status = socket.request(nlmsg_hdr(message.get()));
  REQUIRE_FALSE(status.has_value());
  CHECK(status.error().kind == ErrorKind::kKernelRefused);
}

TEST_CASE("no answer ends at the deadline, and the socket is good for the next request") {
  using std::chrono::steady_clock;
  auto socket = Socket::open(NETLINK_ROUTE, std::chrono::milliseconds(50));
  REQUIRE(socket.has_value());
  const MessageHandle silent = link_request(1);
  nlmsg_hdr(silent.get())->nlmsg_len = 8;  // the kernel drops half a header without a word
  nlmsghdr* const headers[] = {nlmsg_hdr(silent.get())};
  const auto timed_out = [](const Status& status) {
    return !status && status.error().kind == ErrorKind::kTransport &&
           status.error().errno_value == ETIMEDOUT;
  };
  const auto start = steady_clock::now();
  CHECK(timed_out(socket->request(headers[0])));
  CHECK(timed_out(socket->dump(
      headers[0], [] {}, [](MessageView) { return success(); })));
  CHECK(timed_out(socket->request_all(headers).front()));
  CHECK(steady_clock::now() - start >= std::chrono::milliseconds(3 * 50));
  const MessageHandle good = link_request(1);
  CHECK(socket->request(nlmsg_hdr(good.get())).has_value());
}

TEST_CASE("an unknown protocol is a transport error") {
  const auto socket = Socket::open(31);
  REQUIRE_FALSE(socket.has_value());
  CHECK(socket.error().kind == ErrorKind::kTransport);
  CHECK(socket.error().errno_value == EPROTONOSUPPORT);
}
