// What netlink sockets can only be tested for with rights: batches, forged answers, torn dumps.
#include "backends/netlink/socket.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <sys/socket.h>

#include <cerrno>
#include <functional>
#include <set>

#include "backends/modules.h"
#include "backends/netlink/attributes.h"
#include "tests/ipvs_kernel/support.h"

using namespace twobox;
using namespace twobox::netlink;

namespace {

Socket opened(int protocol) {
  auto socket = Socket::open(protocol);
  REQUIRE(socket.has_value());
  return *std::move(socket);
}

MessageHandle table_message(int type, const std::string& name) {
  MessageHandle message(nlmsg_alloc_size(256));
  const int full_type = (NFNL_SUBSYS_NFTABLES << 8) | type;
  REQUIRE(nlmsg_put(message.get(), 0, 0, full_type, 0, NLM_F_CREATE) != nullptr);
  nfgenmsg header{.nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0, .res_id = 0};
  REQUIRE(nlmsg_append(message.get(), &header, sizeof(header), NLMSG_ALIGNTO) == 0);
  REQUIRE(nla_put_string(message.get(), NFTA_TABLE_NAME, name.c_str()) == 0);
  return message;
}

std::set<std::string> tables(Socket& socket) {
  MessageHandle message = table_message(NFT_MSG_GETTABLE, "");
  nlmsg_hdr(message.get())->nlmsg_len = NLMSG_LENGTH(sizeof(nfgenmsg));
  nlmsg_hdr(message.get())->nlmsg_flags = 0;
  std::set<std::string> names;
  const Status read = socket.dump(
      nlmsg_hdr(message.get()), [&] { names.clear(); },
      [&](MessageView answer) {
        const auto payload = attributes_of(answer, sizeof(nfgenmsg));
        if (!payload) return Status(payload.error());
        const auto table = AttributeTable::parse(*payload, NFTA_TABLE_NAME);
        if (!table) return Status(table.error());
        const auto name = (*table)[NFTA_TABLE_NAME].as_text();
        if (!name) return Status(name.error());
        names.insert(*name);
        return success();
      });
  REQUIRE(read.has_value());
  return names;
}

std::vector<Status> transact(Socket& socket, const std::vector<MessageHandle>& messages,
                             std::uint16_t resource = NFNL_SUBSYS_NFTABLES) {
  std::vector<nlmsghdr*> headers;
  for (const MessageHandle& message : messages) headers.push_back(nlmsg_hdr(message.get()));
  return socket.transaction(headers, resource);
}

template <typename... Messages>
std::vector<MessageHandle> batch(Messages... messages) {
  std::vector<MessageHandle> all;
  (all.push_back(std::move(messages)), ...);
  return all;
}

}  // namespace

TEST_CASE("netlink: a transaction that is refused in part is not carried out at all") {
  REQUIRE(load_kernel_module("nf_tables").has_value());
  Socket socket = opened(NETLINK_NETFILTER);
  const auto outcomes = transact(socket, batch(table_message(NFT_MSG_NEWTABLE, "one"),
                                               table_message(NFT_MSG_DELTABLE, "missing"),
                                               table_message(NFT_MSG_NEWTABLE, "two"),
                                               table_message(NFT_MSG_DELTABLE, "missing too")));
  REQUIRE(outcomes.size() == 4);
  for (const Status& outcome : outcomes) {
    REQUIRE_FALSE(outcome.has_value());
    CHECK(outcome.error().kind == ErrorKind::kKernelRefused);
  }
  CHECK(outcomes[0].error().errno_value == ECANCELED);
  CHECK(outcomes[1].error().errno_value == ENOENT);
  CHECK(outcomes[2].error().errno_value == ECANCELED);
  CHECK(outcomes[2].error().message ==
        "not carried out: message 2 of the batch was refused: No such file or directory");
  CHECK(outcomes[3].error().errno_value == ENOENT);
  CHECK(tables(socket).empty());
  CHECK(socket.transaction({}, NFNL_SUBSYS_NFTABLES).empty());
}

TEST_CASE("netlink: a transaction refused as a whole says so on every message") {
  Socket socket = opened(NETLINK_NETFILTER);
  const auto outcomes = transact(
      socket, batch(table_message(NFT_MSG_NEWTABLE, "one"), table_message(NFT_MSG_NEWTABLE, "two")),
      200);
  for (const Status& outcome : outcomes) {
    REQUIRE_FALSE(outcome.has_value());
    CHECK(outcome.error().message == "the whole batch: Invalid argument");
  }
  CHECK(tables(socket).empty());
}

TEST_CASE("netlink: 5,000 messages in one transaction are each acknowledged") {
  Socket socket = opened(NETLINK_NETFILTER);
  std::vector<MessageHandle> creations;
  std::vector<MessageHandle> removals;
  for (int i = 0; i < 5000; ++i) {
    creations.push_back(table_message(NFT_MSG_NEWTABLE, "table" + std::to_string(i)));
    removals.push_back(table_message(NFT_MSG_DELTABLE, "table" + std::to_string(i)));
  }
  for (const Status& outcome : transact(socket, creations)) {
    INFO((outcome ? std::string() : outcome.error().message));
    REQUIRE(outcome.has_value());
  }
  CHECK(tables(socket).size() == 5000);
  removals.push_back(table_message(NFT_MSG_DELTABLE, "missing"));
  CHECK(transact(socket, removals).front().error().errno_value == ECANCELED);
  CHECK(tables(socket).size() == 5000);
  removals.pop_back();
  for (const Status& outcome : transact(socket, removals)) REQUIRE(outcome.has_value());
  CHECK(tables(socket).empty());
}

namespace {

constexpr int kStableLinks = 150;  // many datagrams long

struct LinkDump {
  Status outcome = success();
  int readings = 1;
  int stable = 0;
};

/// Reads all links and calls `meanwhile` with the header of each reading's first answer.
LinkDump dump_links(Socket& socket, const std::function<void(int, const nlmsghdr&)>& meanwhile) {
  const MessageHandle message(nlmsg_alloc_simple(RTM_GETLINK, 0));
  ifinfomsg header{};
  REQUIRE(nlmsg_append(message.get(), &header, sizeof(header), NLMSG_ALIGNTO) == 0);
  LinkDump dump;
  bool fresh = true;
  const auto restart = [&] {
    ++dump.readings;
    dump.stable = 0;
    fresh = true;
  };
  dump.outcome = socket.dump(nlmsg_hdr(message.get()), restart, [&](MessageView answer) {
    if (fresh) meanwhile(dump.readings, header_of(answer));
    fresh = false;
    const auto payload = attributes_of(answer, sizeof(ifinfomsg));
    const auto table = AttributeTable::parse(*payload, IFLA_IFNAME);
    if ((*table)[IFLA_IFNAME].as_text()->starts_with("stable")) ++dump.stable;
    return success();
  });
  return dump;
}

/// Links that make a dump many datagrams long.
class StableLinks {
 public:
  StableLinks() { each("link add stable%d type dummy"); }
  ~StableLinks() { each("link delete stable%d"); }

 private:
  static void each(const std::string& command) {
    ipvs_kernel::run("for i in $(seq " + std::to_string(kStableLinks) + "); do printf '" + command +
                     "\\n' $i; done | ip -batch -");
  }
};

/// Sends what looks like the kernel's refusal of the request that `answered` answers.
void forge_refusal(int fd, const nlmsghdr& answered) {
  struct {
    nlmsghdr header;
    nlmsgerr error;
  } forged{};
  forged.header = {sizeof(forged), NLMSG_ERROR, 0, answered.nlmsg_seq, answered.nlmsg_pid};
  forged.error.error = -EPERM;
  sockaddr_nl target{};
  target.nl_family = AF_NETLINK;
  target.nl_pid = answered.nlmsg_pid;
  const auto* const address = reinterpret_cast<const sockaddr*>(&target);
  CHECK(::sendto(fd, &forged, sizeof(forged), MSG_DONTWAIT, address, sizeof(target)) ==
        sizeof(forged));
}

}  // namespace

TEST_CASE("netlink: an answer of another process is not taken for the kernel's") {
  const StableLinks links;
  Socket socket = opened(NETLINK_ROUTE);
  const FileDescriptor stranger(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  const LinkDump dump = dump_links(
      socket, [&](int, const nlmsghdr& answer) { forge_refusal(stranger.get(), answer); });
  CHECK(dump.outcome.has_value());
  CHECK(dump.readings == 1);
  CHECK(dump.stable == kStableLinks);
}

TEST_CASE("netlink: an interrupted dump is read again, and given up after five more readings") {
  const StableLinks links;
  Socket socket = opened(NETLINK_ROUTE);
  const auto torn_at_first = [&](int torn) {
    return dump_links(socket, [torn](int reading, const nlmsghdr&) {
      if (reading <= torn)
        ipvs_kernel::run("ip link add passing type dummy && ip link delete passing");
    });
  };
  for (const int torn : {0, 1, 2, 5}) {
    CAPTURE(torn);
    const LinkDump dump = torn_at_first(torn);
    CHECK(dump.outcome.has_value());
    CHECK(dump.readings == 1 + torn);
    CHECK(dump.stable == kStableLinks);
  }
  const LinkDump never = torn_at_first(100);
  CHECK(never.readings == 6);
  REQUIRE_FALSE(never.outcome.has_value());
  CHECK(never.outcome.error().kind == ErrorKind::kTornDump);
  CHECK(torn_at_first(0).outcome.has_value());
}
