#include <doctest/doctest.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "backends/address/codec.h"
#include "backends/events/directory_watch.h"
#include "backends/events/kernel_events.h"
#include "backends/events/sysctl_watch.h"
#include "tests/kernel/address_support.h"

namespace twobox::address_test {
namespace {

namespace fs = std::filesystem;

// Events are queued before the command that made them returns, so nothing needs waiting for.
bool is_readable(const std::vector<int>& fds) {
  std::vector<pollfd> polled;
  for (const int fd : fds) polled.push_back({fd, POLLIN, 0});
  return ::poll(polled.data(), polled.size(), 0) > 0;
}

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
constexpr KernelWake kNothing{};

TEST_CASE("events: changes of links, addresses and settings wake") {
  const VethPair veth;
  KernelEvents events = *KernelEvents::open();
  CHECK(events.fds().size() == 2);
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
  CHECK(wake_by(events, "sysctl -qw net.ipv4.conf.peer.forwarding=1").by == kSettings);
  CHECK(wake_by(events, "true") == Woken{false, kNothing});
}

TEST_CASE("events: changes of our table wake, those of others don't") {
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
      {"nft 'add chain inet twobox2 c; add rule inet twobox2 c counter'", kNothing},
      {"nft 'add set inet twobox2 s { type ether_addr; elements = { 02:00:00:00:00:01 }; }'",
       kNothing},
      {"nft 'add chain inet twobox2 d; add chain inet twobox d'", kNftables},  // in one batch
      {"nft flush chain inet twobox c", kNftables},
      {"nft delete table inet twobox2", kNothing},
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

TEST_CASE("events: own changes don't wake, others' beside them do") {
  const VethPair veth;
  const netlink::SocketHandle own(nl_socket_alloc());
  REQUIRE(nl_connect(own.get(), NETLINK_ROUTE) == 0);
  KernelEvents events = *KernelEvents::open({nl_socket_get_local_port(own.get())});
  const auto add_ourselves = [&] {
    AddressBackend reader = *AddressBackend::open();
    const std::uint32_t index = observe(reader).links.at(interface("wire")).index;
    auto message = address::encode_add_address(key("wire", "192.0.2.30"), {}, index,
                                               address::IfPresent::kReplace);
    REQUIRE(nl_send_sync(own.get(), message.release()) == 0);
  };
  static_cast<void>(events.drain());
  add_ourselves();
  CHECK(is_readable(events.fds()));
  CHECK(events.drain() == kNothing);
  add_ourselves();
  run("ip address add 192.0.2.31/32 dev wire");
  CHECK(events.drain() == kAddresses);
}

TEST_CASE("events: lost messages count as everything") {
  const VethPair veth;
  KernelEvents events = *KernelEvents::open();
  for (const int fd : events.fds()) {
    const int smallest = 1;
    REQUIRE(::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &smallest, sizeof(smallest)) == 0);
  }
  const Woken woken = wake_by(
      events, "for i in 1 2 3 4 5 6 7 8; do ip link set wire down; ip link set wire up; done");
  CHECK(woken.readable);
  CHECK(woken.by.overrun);
  CHECK(wake_by(events, "ip address add 192.0.2.30/32 dev wire").by == kAddresses);
}

// --- sysctls -------------------------------------------------------------------------------------

std::string conf(const std::string& name) {
  return "/proc/sys/net/ipv4/conf/" + name;
}

bool wakes(SysctlWatch& watch, const std::string& command) {
  static_cast<void>(watch.drain());
  run(command);
  const bool readable = is_readable({watch.fd()});
  const bool written = watch.drain();
  CHECK(readable == written);
  CHECK_FALSE(is_readable({watch.fd()}));
  return written;
}

void set_watched(SysctlWatch& watch, const std::set<std::string>& paths) {
  const Status status = watch.set_watched(paths);
  REQUIRE_MESSAGE(status.has_value(), status.error().message);
  static_cast<void>(watch.drain());
}

TEST_CASE("events: a write to a watched sysctl wakes, whoever makes it and however often") {
  const VethPair veth;
  SysctlWatch watch = *SysctlWatch::open();
  const std::set<std::string> paths = {conf("wire/arp_ignore"), "/proc/sys/net/ipv4/ip_forward",
                                       "/proc/sys/net/ipv4/vs/not_loaded"};
  for (int time = 0; time < 2; ++time) {
    set_watched(watch, paths);
    CHECK(wakes(watch, "sysctl -qw net.ipv4.conf.wire.arp_ignore=1"));
    CHECK(wakes(watch, "echo 0 >/proc/sys/net/ipv4/ip_forward"));
    CHECK(wakes(watch,
                "for i in 1 2 3; do sysctl -qw net.ipv4.conf.wire.arp_ignore=$i; done || true"));
    CHECK_FALSE(wakes(watch, "sysctl -qw net.ipv4.conf.wire.arp_announce=2"));
    CHECK_FALSE(wakes(watch, "sysctl net.ipv4.conf.wire.arp_ignore >/dev/null"));
  }
}

TEST_CASE("events: what is no longer wanted is no longer watched") {
  const VethPair veth;
  SysctlWatch watch = *SysctlWatch::open();
  set_watched(watch, {conf("wire/arp_ignore"), conf("wire/arp_announce")});
  set_watched(watch, {conf("wire/arp_announce")});
  CHECK_FALSE(wakes(watch, "sysctl -qw net.ipv4.conf.wire.arp_ignore=1"));
  CHECK(wakes(watch, "sysctl -qw net.ipv4.conf.wire.arp_announce=2"));
  set_watched(watch, {});
  CHECK_FALSE(wakes(watch, "sysctl -qw net.ipv4.conf.wire.arp_announce=1"));
}

TEST_CASE("events: a re-created interface's sysctls are watched from the next call on") {
  const VethPair veth;
  SysctlWatch watch = *SysctlWatch::open();
  const std::set<std::string> paths = {conf("wire/arp_ignore")};
  set_watched(watch, paths);
  run("ip link delete wire");
  set_watched(watch, paths);
  run("ip link add wire type veth peer name peer");
  set_watched(watch, paths);
  CHECK(wakes(watch, "sysctl -qw net.ipv4.conf.wire.arp_ignore=1"));
  run("ip link delete wire && ip link add wire type veth peer name peer");
  set_watched(watch, paths);
  CHECK(wakes(watch, "sysctl -qw net.ipv4.conf.wire.arp_ignore=1"));
}

// Not in a namespace: only the machine's root may ask for it.
constexpr char kDropCaches[] = "/proc/sys/vm/drop_caches";

TEST_CASE("events: a watch outlives a shortage of memory" *
          doctest::skip(::access(kDropCaches, W_OK) != 0)) {
  const VethPair veth;
  SysctlWatch watch = *SysctlWatch::open();
  set_watched(watch, {conf("wire/arp_ignore")});
  run(std::string("echo 2 >") + kDropCaches);
  CHECK(wakes(watch, "sysctl -qw net.ipv4.conf.wire.arp_ignore=1"));
}

// --- files ---------------------------------------------------------------------------------------

class Folder {
 public:
  Folder() { fs::create_directories(path_ / "etc"); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path_); }

  std::string document() const { return (path_ / "etc/document.json").string(); }
  void sh(const std::string& command) const { run("cd " + path_.string() + " && " + command); }

 private:
  fs::path path_ = fs::temp_directory_path() / ("twobox-events-" + std::to_string(::getpid()));
};

bool wakes(DirectoryWatch& watch, const Folder& folder, const std::string& command) {
  CAPTURE(command);
  static_cast<void>(watch.drain());
  folder.sh(command);
  const bool changed = watch.drain();
  CHECK_FALSE(is_readable({watch.fd()}));
  CHECK_FALSE(watch.drain());
  return changed;
}

TEST_CASE("events: every way to write or replace a file wakes, and nothing beside it does") {
  const Folder folder;
  DirectoryWatch watch = *DirectoryWatch::open(folder.document());
  for (const char* const command :
       {"echo 1 >etc/document.json", "echo 2 >>etc/document.json",
        "echo 3 >new && mv new etc/document.json", "echo 4 >etc/document.json",
        "chmod 600 etc/document.json", "mv etc/document.json etc/old",
        "ln etc/old etc/document.json", "rm etc/document.json", "ln -s old etc/document.json"})
    CHECK(wakes(watch, folder, command));
  folder.sh("rm etc/document.json; echo 5 >etc/document.json");
  for (const char* const command :
       {"echo 1 >etc/other.json", "mv etc/other.json etc/third.json", "rm etc/third.json",
        "cat etc/document.json >/dev/null", "echo 1 >document.json", "mkdir etc/sub"})
    CHECK_FALSE(wakes(watch, folder, command));
}

TEST_CASE("events: the descriptor itself becomes readable") {
  const Folder folder;
  DirectoryWatch watch = *DirectoryWatch::open(folder.document());
  CHECK_FALSE(is_readable({watch.fd()}));
  folder.sh("echo 1 >etc/document.json");
  CHECK(is_readable({watch.fd()}));
}

TEST_CASE("events: a file behind links changes with the link, its target and Kubernetes' swap") {
  const Folder folder;
  folder.sh(
      "mkdir etc/v1 etc/v2 srv && echo 1 >etc/v1/document.json && echo 2 >etc/v2/document.json && "
      "echo 3 >srv/real.json");
  SUBCASE("Kubernetes") {
    folder.sh("ln -s v1 etc/..data && ln -s ..data/document.json etc/document.json");
    DirectoryWatch watch = *DirectoryWatch::open(folder.document());
    CHECK(wakes(watch, folder, "ln -s v2 etc/..data_tmp && mv -T etc/..data_tmp etc/..data"));
    CHECK(wakes(watch, folder, "echo 4 >etc/v2/document.json"));
    CHECK_FALSE(wakes(watch, folder, "echo 4 >etc/v1/document.json"));
  }
  SUBCASE("another folder") {
    folder.sh("ln -s ../srv/real.json etc/document.json");
    DirectoryWatch watch = *DirectoryWatch::open(folder.document());
    CHECK(wakes(watch, folder, "echo 5 >srv/real.json"));
    CHECK(wakes(watch, folder, "echo 6 >srv/new && mv srv/new srv/real.json"));
    CHECK(wakes(watch, folder, "ln -sfn ../srv/later.json etc/document.json"));
    CHECK(wakes(watch, folder, "echo 7 >srv/later.json"));
    CHECK_FALSE(wakes(watch, folder, "echo 8 >srv/real.json"));
    CHECK(wakes(watch, folder, "rm etc/document.json && echo 9 >etc/document.json"));
    CHECK_FALSE(wakes(watch, folder, "echo 8 >srv/later.json"));
  }
}

TEST_CASE("events: a directory that is replaced is found again") {
  const Folder folder;
  DirectoryWatch watch = *DirectoryWatch::open(folder.document());
  CHECK(wakes(watch, folder, "mv etc gone"));
  CHECK(wakes(watch, folder, "mkdir etc"));
  CHECK(wakes(watch, folder, "echo 1 >etc/document.json"));
  CHECK_FALSE(wakes(watch, folder, "echo 1 >gone/document.json"));
  CHECK(wakes(watch, folder, "rm -r etc && mkdir etc && echo 2 >etc/document.json"));
  CHECK(wakes(watch, folder, "echo 3 >etc/document.json"));
}

TEST_CASE("events: a directory that is not there is named") {
  const auto watch = DirectoryWatch::open("/no/such/directory/document.json");
  REQUIRE_FALSE(watch.has_value());
  CHECK(watch.error().kind == ErrorKind::kUnavailable);
  CHECK(watch.error().errno_value == ENOENT);
  CHECK(watch.error().message == "watch /no/such/directory: No such file or directory");
}

}  // namespace
}  // namespace twobox::address_test
