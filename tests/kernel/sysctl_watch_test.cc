#include "backends/events/sysctl_watch.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <set>
#include <string>

#include "tests/kernel/address_support.h"
#include "tests/kernel/events_support.h"

namespace twobox::address_test {
namespace {

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

}  // namespace
}  // namespace twobox::address_test
