// Which commands a change becomes, and how refusals read; no kernel needed.
#include <doctest/doctest.h>
#include <linux/ip_vs.h>

#include <cerrno>

#include "backends/ipvs/requests.h"
#include "tests/wire/ipvs_support.h"

using namespace twobox;
using namespace twobox::ipvs_wire;
using ipvs::Command;
using Commands = std::vector<Command>;

namespace {

const IpvsServiceKey kService = endpoint(Protocol::kTcp, "172.16.0.30", 80);
const RealServerKey kServer{kService, ip("172.16.0.31"), 80};
const SyncDaemonConfig kDaemon{*InterfaceName::parse("wire0"), 1, 0, ip("224.0.0.81"), 8848, 1};

/// The three changes of one object: create, update, delete.
template <typename Key, typename Config>
std::vector<Change> life(const Key& key, const Config& config) {
  using Of = ChangeOf<Key, Config>;
  return {Of{key, std::nullopt, config}, Of{key, config, config}, Of{key, config, std::nullopt}};
}

Error refused(int errno_value) {
  return {ErrorKind::kKernelRefused, errno_value, "words"};
}

}  // namespace

TEST_CASE("ipvs: the commands of a change") {
  struct Row {
    std::vector<Change> changes;
    std::vector<Commands> want;
  };
  const Row rows[] = {
      {life(kService, scheduled_by("rr")),
       {{IPVS_CMD_NEW_SERVICE}, {IPVS_CMD_SET_SERVICE}, {IPVS_CMD_DEL_SERVICE}}},
      {life(kServer, RealServerConfig{}),
       {{IPVS_CMD_NEW_DEST}, {IPVS_CMD_SET_DEST}, {IPVS_CMD_DEL_DEST}}},
      {life(SyncDaemonKey{SyncState::kMaster}, kDaemon),
       {{IPVS_CMD_NEW_DAEMON}, {IPVS_CMD_DEL_DAEMON, IPVS_CMD_NEW_DAEMON}, {IPVS_CMD_DEL_DAEMON}}},
      {life(IpvsTimeoutsKey{}, IpvsTimeoutsConfig{1, 2, 3}),
       {{IPVS_CMD_SET_CONFIG}, {IPVS_CMD_SET_CONFIG}, {}}},
  };
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.changes.size(); ++i) {
      const auto commands = ipvs::first_commands(row.changes[i]);
      REQUIRE(commands.has_value());
      CHECK(*commands == row.want[i]);
      for (const Command command : *commands)
        CHECK(ipvs::encode_change(row.changes[i], command).has_value());
    }
  }
}

TEST_CASE("ipvs: a change of another subsystem is a mistake of ours") {
  const Change change = SysctlChange{{"net.ipv4.ip_forward"}, std::nullopt, SysctlConfig{"1"}};
  CHECK(ipvs::first_commands(change).error().kind == ErrorKind::kBug);
  CHECK(ipvs::encode_change(change, IPVS_CMD_NEW_DEST).error().kind == ErrorKind::kBug);
}

TEST_CASE("ipvs: what follows a refusal") {
  struct Row {
    Command command;
    int errno_value;
    Commands want;
  };
  const Row rows[] = {
      {IPVS_CMD_NEW_SERVICE, EEXIST, {IPVS_CMD_SET_SERVICE}},
      {IPVS_CMD_NEW_SERVICE, ENOENT, {}},
      {IPVS_CMD_SET_SERVICE, ESRCH, {IPVS_CMD_NEW_SERVICE}},
      {IPVS_CMD_SET_SERVICE, ENOENT, {}},
      {IPVS_CMD_DEL_SERVICE, ESRCH, {}},
      {IPVS_CMD_NEW_DEST, EEXIST, {IPVS_CMD_SET_DEST}},
      {IPVS_CMD_NEW_DEST, ESRCH, {IPVS_CMD_NEW_DEST}},
      {IPVS_CMD_NEW_DEST, ERANGE, {}},
      {IPVS_CMD_SET_DEST, ENOENT, {IPVS_CMD_NEW_DEST}},
      {IPVS_CMD_SET_DEST, ESRCH, {IPVS_CMD_NEW_DEST}},
      {IPVS_CMD_NEW_DAEMON, EEXIST, {IPVS_CMD_DEL_DAEMON, IPVS_CMD_NEW_DAEMON}},
      {IPVS_CMD_NEW_DAEMON, ENODEV, {}},
      {IPVS_CMD_SET_CONFIG, EINVAL, {}},
  };
  for (const Row& row : rows) {
    CAPTURE(static_cast<int>(row.command));
    CAPTURE(row.errno_value);
    CHECK(ipvs::next_commands(row.command, row.errno_value) == row.want);
  }
  for (const Command command :
       Commands{IPVS_CMD_DEL_SERVICE, IPVS_CMD_DEL_DEST, IPVS_CMD_DEL_DAEMON}) {
    CHECK(ipvs::is_gone_already(command, ESRCH));
    CHECK(ipvs::is_gone_already(command, ENOENT));
    CHECK_FALSE(ipvs::is_gone_already(command, EPERM));
  }
  CHECK_FALSE(ipvs::is_gone_already(IPVS_CMD_SET_SERVICE, ESRCH));
}

TEST_CASE("ipvs: refusals in words") {
  struct Row {
    Change change;
    Command command;
    int errno_value;
    std::string_view want;
  };
  const auto server = [](std::string_view address, Forwarding forwarding) {
    return RealServerChange{
        {kService, ip(address), 80}, std::nullopt, RealServerConfig{forwarding, 1, 0, 0, {}}};
  };
  const Row rows[] = {
      {IpvsServiceChange{kService, std::nullopt, scheduled_by("mh")}, IPVS_CMD_NEW_SERVICE, ENOENT,
       "add service tcp 172.16.0.30:80: scheduler module ip_vs_mh is not available: run `modprobe "
       "ip_vs_mh`"},
      {IpvsServiceChange{FirewallMark{AddressFamily::kIpv6, 3}, std::nullopt, scheduled_by("rr")},
       IPVS_CMD_SET_SERVICE, EAFNOSUPPORT,
       "edit service fwmark 3 ipv6: this kernel's IPVS has no IPv6"},
      {IpvsServiceChange{kService, scheduled_by("rr"), std::nullopt}, IPVS_CMD_DEL_SERVICE, EPERM,
       "delete service tcp 172.16.0.30:80: IPVS needs CAP_NET_ADMIN; root of a rootless container "
       "does not have it"},
      {server("172.16.0.31", Forwarding::kDirect), IPVS_CMD_NEW_DEST, ESRCH,
       "add real server tcp 172.16.0.30:80 -> 172.16.0.31:80: its service does not exist"},
      {server("2001:db8::31", Forwarding::kDirect), IPVS_CMD_SET_DEST, EINVAL,
       "edit real server tcp 172.16.0.30:80 -> [2001:db8::31]:80: a real server of the other "
       "address family can only be reached by a tunnel"},
      {server("2001:db8::31", Forwarding::kTunnel), IPVS_CMD_NEW_DEST, EINVAL,
       "add real server tcp 172.16.0.30:80 -> [2001:db8::31]:80: a sync daemon runs, and its "
       "protocol can't carry mixed address families"},
      {server("172.16.0.31", Forwarding::kDirect), IPVS_CMD_NEW_DEST, ENOMEM,
       "add real server tcp 172.16.0.30:80 -> 172.16.0.31:80: words"},
      {SyncDaemonChange{{SyncState::kMaster}, std::nullopt, kDaemon}, IPVS_CMD_NEW_DAEMON, ENODEV,
       "start master sync daemon: there is no interface wire0"},
      {IpvsTimeoutsChange{{}, std::nullopt, IpvsTimeoutsConfig{}}, IPVS_CMD_SET_CONFIG, EINVAL,
       "set IPVS timeouts: a timeout is too long for this kernel"},
  };
  for (const Row& row : rows) {
    const Error error = ipvs::explain(refused(row.errno_value), row.change, row.command);
    CHECK(error.message == row.want);
    CHECK(error.errno_value == row.errno_value);
    CHECK((error.kind == ErrorKind::kUnavailable) == (row.errno_value == EPERM));
  }
}
