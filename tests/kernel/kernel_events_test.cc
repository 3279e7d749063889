#include "backends/events/kernel_events.h"

#include <doctest/doctest.h>
#include <net/if.h>
#include <netlink/msg.h>
#include <sys/socket.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backends/address/codec.h"
#include "backends/kernel.h"
#include "tests/kernel/address_support.h"
#include "tests/kernel/events_support.h"

namespace twobox::address_test {
namespace {

struct Woken {
  bool readable;
  KernelWake by;
  friend bool operator==(const Woken&, const Woken&) = default;
};

// What `command` wakes; afterwards nothing must be left to read.
Woken wake_by(KernelEvents& events, const std::string& command) {
  static_cast<void>(events.drain());
  run(command);
  const bool readable = is_readable(events.fds());
  const KernelWake wake = events.drain();
  CHECK_FALSE(is_readable(events.fds()));
  CHECK(events.drain() == KernelWake{});
  return {readable, wake};
}

constexpr KernelWake kAddresses{true, false, false, false};
constexpr KernelWake kSettings{false, true, false, false};
constexpr KernelWake kNftables{false, false, true, false};
constexpr KernelWake kOthers{.other_tables = true};
constexpr KernelWake kNothing{};

TEST_CASE("events: changes of links, addresses and settings wake") {
  const VethPair veth;
  KernelEvents events = *KernelEvents::open();
  CHECK(events.fds().size() == 3);
  for (const char* const command :
       {"ip address add 192.0.2.30/32 dev wire", "ip address delete 192.0.2.30/32 dev wire",
        "ip address add 2001:db8::30/128 dev lo", "ip address delete 2001:db8::30/128 dev lo",
        "ip link set wire address 02:00:00:00:00:01", "ip link set wire down",
        "ip link add spare type dummy 2>/dev/null || ip link add spare type veth",
        "ip link delete spare",
        "ip address add 192.0.2.1 dev wire; ip address add 192.0.2.2 dev wire"}) {
    CAPTURE(std::string(command));
    const Woken woken = wake_by(events, command);
    CHECK(woken.readable);
    CHECK(woken.by.links_or_addresses);
    CHECK_FALSE(woken.by.nftables);
    CHECK_FALSE(woken.by.overrun);
  }
}

TEST_CASE("events: a setting that the kernel announces wakes, and nothing does not") {
  const VethPair veth;
  KernelEvents events = *KernelEvents::open();
  CHECK(wake_by(events, "sysctl -qw net.ipv4.conf.peer.forwarding=1").by == kSettings);
  CHECK(wake_by(events, "true") == Woken{false, kNothing});
}

TEST_CASE("events: changes of our table wake, and chains and rules of others apart") {
  KernelEvents events = *KernelEvents::open();
  struct Row {
    std::string command;
    KernelWake want;
  };
  const Row rows[] = {
      {"nft add table inet twobox", kNftables},
      {"nft add table ip twobox", kNothing},  // another family's table of that name
      {"nft add table inet twobox2", kNothing},
      {"nft add chain inet twobox c", kNftables},
      {"nft add rule inet twobox c counter", kNftables},
      {"nft add set inet twobox s '{ type ether_addr; }'", kNftables},
      {"nft add element inet twobox s '{ 02:00:00:00:00:01 }'", kNftables},
      {"nft delete element inet twobox s '{ 02:00:00:00:00:01 }'", kNftables},
      {"nft 'add counter inet twobox n'", kNftables},
      {"nft 'add chain inet twobox2 c; add rule inet twobox2 c counter'", kOthers},
      {"nft 'add set inet twobox2 s { type ether_addr; elements = { 02:00:00:00:00:01 }; }'",
       kNothing},
      {"nft 'add chain inet twobox2 d; add chain inet twobox d'",  // in one batch
       {.nftables = true, .other_tables = true}},
      {"nft flush chain inet twobox c", kNftables},
      {"nft delete table inet twobox2", kOthers},
      {"nft flush ruleset", kNftables},
      {"nft add table inet twobox", kNftables},
      {"nft 'add table inet twobox { flags dormant; }'", kNftables},
      {"nft delete table inet twobox", kNftables},
      {"nft flush ruleset", kNothing},  // nothing of ours was left
      {"nft list ruleset >/dev/null", kNothing},
  };
  for (const Row& row : rows) {
    CAPTURE(row.command);
    CHECK(wake_by(events, row.command).by == row.want);
  }
}

/// A backend as the daemon has it, and ears that know it.
struct Daemon {
  std::unique_ptr<LiveKernel> kernel = *open_kernel();
  KernelEvents events = *KernelEvents::open(kernel->own_ports());

  /// Makes the change, and says what it woke.
  KernelWake wake_by(Subsystem subsystem, const std::vector<Change>& changes) {
    static_cast<void>(events.drain());
    for (const Status& outcome : kernel->apply(subsystem, changes, {}))
      REQUIRE_MESSAGE(outcome.has_value(), (outcome ? "" : outcome.error().message));
    return events.drain();
  }
};

std::vector<Change> added(const char* prefix) {
  return {AddressChange{key("wire", prefix), std::nullopt, AddressConfig{}}};
}
std::vector<Change> removed(const char* prefix) {
  return {AddressChange{key("wire", prefix), AddressConfig{}, std::nullopt}};
}

TEST_CASE("events: own changes don't wake, others' beside them do") {
  const VethPair veth;
  Daemon daemon;
  CHECK(daemon.wake_by(Subsystem::kAddress, added("192.0.2.30/24")) == kNothing);
  CHECK(wake_by(daemon.events, "ip address add 192.0.2.31/32 dev wire").by == kAddresses);
  CHECK(daemon.wake_by(Subsystem::kAddress, removed("192.0.2.30/24")) == kNothing);

  const NftTableChange made{{}, std::nullopt, NftTableConfig{}};
  const NftTableChange unmade{{}, NftTableConfig{}, std::nullopt};
  CHECK(daemon.wake_by(Subsystem::kNftables, {made}) == kNothing);
  CHECK(wake_by(daemon.events, "nft add chain inet twobox c").by == kNftables);
  CHECK(daemon.wake_by(Subsystem::kNftables, {unmade}) == kNothing);
  CHECK(wake_by(daemon.events, "nft add table inet twobox").by == kNftables);
  CHECK(wake_by(daemon.events, "nft delete table inet twobox").by == kNftables);
}

TEST_CASE("events: own and others' changes between two readings wake") {
  const VethPair veth;
  Daemon daemon;
  static_cast<void>(daemon.events.drain());
  run("ip address add 192.0.2.31/32 dev wire");
  for (const Status& outcome : daemon.kernel->apply(Subsystem::kAddress, added("192.0.2.30"), {}))
    CHECK(outcome.has_value());
  CHECK(daemon.events.drain() == kAddresses);
}

TEST_CASE("events: who changed an IPv6 address the kernel does not say, so it wakes") {
  const VethPair veth;
  Daemon daemon;
  run("ip address add 2001:db8::30/128 dev wire nodad");
  REQUIRE(becomes_readable(daemon.events.fds()));  // a kernel thread tells of it
  CHECK(daemon.wake_by(Subsystem::kAddress, removed("2001:db8::30")) == kAddresses);
}

TEST_CASE("events: a port is one protocol's: another's of the same number is somebody else") {
  const VethPair veth;
  auto route = *netlink::Socket::open(NETLINK_ROUTE);
  REQUIRE(route.port() != 0);
  KernelEvents events = *KernelEvents::open({std::nullopt, route.port()});
  auto message = address::encode_add_address(key("wire", "192.0.2.30"), {},
                                             ::if_nametoindex("wire"), address::IfPresent::kFail);
  static_cast<void>(events.drain());
  REQUIRE(route.request(nlmsg_hdr(message.get())).has_value());
  CHECK(events.drain() == kAddresses);
}

void set_receive_buffers(const KernelEvents& events, int bytes) {
  for (const int fd : events.fds())
    REQUIRE(::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)) == 0);
}

TEST_CASE("events: lost messages count as everything") {
  const VethPair veth;
  KernelEvents events = *KernelEvents::open();
  set_receive_buffers(events, 1);
  const Woken woken =
      wake_by(events, "for i in $(seq 20); do ip address add 192.0.2.$i/32 dev wire || exit; done");
  CHECK(woken.readable);
  CHECK(woken.by.overrun);
  set_receive_buffers(events, 100'000);
  CHECK(wake_by(events, "ip address add 192.0.2.30/32 dev wire").by == kAddresses);
}

}  // namespace
}  // namespace twobox::address_test
