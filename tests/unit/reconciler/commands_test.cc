// The commands as an administrator would type them: what a plan shows must do what the plan does.
#include "reconciler/commands.h"

#include <doctest/doctest.h>

#include "reconciler/bypass_table.h"

using namespace twobox;

namespace {

IpAddress address(const char* text) {
  return *IpAddress::parse(text);
}
InterfaceName interface(const char* name) {
  return *InterfaceName::parse(name);
}

std::string command(const Change& change) {
  return command_for(change, {});
}

template <typename ChangeType>
std::string create(typename ChangeType::Key key, typename ChangeType::Config after) {
  return command(ChangeType{std::move(key), {}, std::move(after)});
}
/// The settings before an update don't show: the command gives them all.
template <typename ChangeType>
std::string update(typename ChangeType::Key key, typename ChangeType::Config after) {
  return command(ChangeType{std::move(key), typename ChangeType::Config{after}, std::move(after)});
}
template <typename ChangeType>
std::string remove(typename ChangeType::Key key, typename ChangeType::Config before) {
  return command(ChangeType{std::move(key), std::move(before), {}});
}

const Endpoint kWeb{address("172.16.0.30"), Protocol::kTcp, 80};
const Endpoint kWeb6{address("2001:db8::30"), Protocol::kTcp, 80};
const AddressKey kVip{interface("enp0s3"), IpPrefix::host(address("172.16.0.30"))};
const AddressKey kVip6{interface("enp0s3"), *IpPrefix::parse("2001:db8::30/64")};

IpvsServiceConfig scheduled(const char* scheduler) {
  IpvsServiceConfig config;
  config.scheduler = scheduler;
  return config;
}

SyncDaemonConfig sync_daemon() {
  return {interface("enp0s8"), 7, 0, address("224.0.0.81"), 8848, 1};
}

}  // namespace

TEST_CASE("commands for addresses") {
  CHECK(create<AddressChange>(kVip, {}) == "ip addr add 172.16.0.30/32 dev enp0s3");
  CHECK(update<AddressChange>(kVip, {}) == "ip addr replace 172.16.0.30/32 dev enp0s3");
  CHECK(remove<AddressChange>(kVip, {}) == "ip addr del 172.16.0.30/32 dev enp0s3");
}

TEST_CASE("commands for IPv6 addresses: no wait for duplicates, never a source") {
  const AddressConfig config{true, false, false};
  CHECK(create<AddressChange>(kVip6, config) ==
        "ip -6 addr add 2001:db8::30/64 dev enp0s3 nodad preferred_lft 0");
  CHECK(update<AddressChange>(kVip6, config) ==
        "ip -6 addr replace 2001:db8::30/64 dev enp0s3 nodad preferred_lft 0");
  CHECK(remove<AddressChange>(kVip6, config) == "ip -6 addr del 2001:db8::30/64 dev enp0s3");
}

TEST_CASE("commands for services") {
  CHECK(create<IpvsServiceChange>(kWeb, scheduled("rr")) == "ipvsadm -A -t 172.16.0.30:80 -s rr");
  CHECK(update<IpvsServiceChange>(kWeb, scheduled("wlc")) == "ipvsadm -E -t 172.16.0.30:80 -s wlc");
  CHECK(remove<IpvsServiceChange>(kWeb, scheduled("rr")) == "ipvsadm -D -t 172.16.0.30:80");
}

TEST_CASE("a service is named by protocol and endpoint, or by mark and family") {
  const std::pair<IpvsServiceKey, const char*> rows[] = {
      {Endpoint{address("172.16.0.30"), Protocol::kUdp, 53}, "-u 172.16.0.30:53"},
      {Endpoint{address("172.16.0.30"), Protocol::kSctp, 3868}, "--sctp-service 172.16.0.30:3868"},
      {kWeb6, "-t [2001:db8::30]:80"},
      {FirewallMark{AddressFamily::kIpv4, 3}, "-f 3"},
      {FirewallMark{AddressFamily::kIpv6, 4294967295}, "-f 4294967295 -6"},
  };
  for (const auto& [key, option] : rows)
    CHECK(remove<IpvsServiceChange>(key, scheduled("rr")) == std::string("ipvsadm -D ") + option);
}

TEST_CASE("all settings of a service") {
  IpvsServiceConfig config = scheduled("sh");
  config.scheduler_flags = {true, true, false};
  config.persistence = Persistence{300, 24};
  config.one_packet = true;
  CHECK(create<IpvsServiceChange>(kWeb, config) ==
        "ipvsadm -A -t 172.16.0.30:80 -s sh -b flag-1,flag-2 -p 300 -M 255.255.255.0 -o");
}

TEST_CASE("the netmask of persistence: dotted for IPv4, a length for IPv6") {
  struct Row {
    IpvsServiceKey key;
    unsigned length;
    const char* mask;
  };
  const Row rows[] = {
      {kWeb, 1, "128.0.0.0"},        {kWeb, 23, "255.255.254.0"},
      {kWeb, 32, "255.255.255.255"}, {FirewallMark{AddressFamily::kIpv4, 3}, 8, "255.0.0.0"},
      {kWeb6, 128, "128"},           {FirewallMark{AddressFamily::kIpv6, 3}, 64, "64"},
  };
  for (const Row& row : rows) {
    IpvsServiceConfig config = scheduled("rr");
    config.persistence = Persistence{1, row.length};
    const std::string text = create<IpvsServiceChange>(row.key, config);
    CAPTURE(text);
    CHECK(text.ends_with(std::string(" -p 1 -M ") + row.mask));
  }
}

TEST_CASE("commands for real servers") {
  const RealServerKey key{kWeb, address("172.16.0.31"), 80};
  CHECK(create<RealServerChange>(key, {}) ==
        "ipvsadm -a -t 172.16.0.30:80 -r 172.16.0.31:80 -g -w 1");
  CHECK(update<RealServerChange>(key, {Forwarding::kMasquerade, 0, 0, 0, {}}) ==
        "ipvsadm -e -t 172.16.0.30:80 -r 172.16.0.31:80 -m -w 0");
  CHECK(update<RealServerChange>(key, {Forwarding::kTunnel, 5, 100, 0, {}}) ==
        "ipvsadm -e -t 172.16.0.30:80 -r 172.16.0.31:80 -i -w 5 -x 100");
  CHECK(update<RealServerChange>(key, {Forwarding::kDirect, 5, 100, 80, {}}) ==
        "ipvsadm -e -t 172.16.0.30:80 -r 172.16.0.31:80 -g -w 5 -x 100 -y 80");
  CHECK(remove<RealServerChange>(key, {}) == "ipvsadm -d -t 172.16.0.30:80 -r 172.16.0.31:80");
}

TEST_CASE("commands for real servers behind IPv6 and behind a mark") {
  CHECK(remove<RealServerChange>({kWeb6, address("2001:db8::31"), 80}, {}) ==
        "ipvsadm -d -t [2001:db8::30]:80 -r [2001:db8::31]:80");
  const FirewallMark mark{AddressFamily::kIpv6, 3};
  CHECK(remove<RealServerChange>({mark, address("2001:db8::31"), 80}, {}) ==
        "ipvsadm -d -f 3 -6 -r [2001:db8::31]:80");
}

TEST_CASE("commands for the sync daemon: an edit is a stop and a start") {
  const std::string start =
      "ipvsadm --start-daemon master --mcast-interface enp0s8 --syncid 7 --mcast-group 224.0.0.81 "
      "--mcast-port 8848 --mcast-ttl 1";
  const SyncDaemonKey master{SyncState::kMaster};
  CHECK(create<SyncDaemonChange>(master, sync_daemon()) == start);
  CHECK(update<SyncDaemonChange>(master, sync_daemon()) ==
        "ipvsadm --stop-daemon master && " + start);
  CHECK(remove<SyncDaemonChange>({SyncState::kBackup}, sync_daemon()) ==
        "ipvsadm --stop-daemon backup");
  SyncDaemonConfig config = sync_daemon();
  config.max_length = 1400;
  CHECK(create<SyncDaemonChange>(master, config).find(" --syncid 7 --sync-maxlen 1400 --mcast") !=
        std::string::npos);
}

TEST_CASE("command for the timeouts") {
  CHECK(update<IpvsTimeoutsChange>({}, {900, 120, 300}) == "ipvsadm --set 900 120 300");
}

TEST_CASE("commands for our table, its chain and its sets") {
  CHECK(create<NftTableChange>({}, {}) == "nft add table inet twobox");
  CHECK(update<NftTableChange>({}, {}) == "nft 'delete table inet twobox; add table inet twobox'");
  CHECK(remove<NftTableChange>({}, {}) == "nft delete table inet twobox");
  CHECK(create<NftChainChange>({"bypass"}, {"nat", NftHook::kPrerouting, -100, true}) ==
        "nft add chain inet twobox bypass "
        "'{ type nat hook prerouting priority -100 ; policy accept ; }'");
  CHECK(remove<NftChainChange>({"bypass"}, {}) == "nft delete chain inet twobox bypass");
  const NftSetConfig endpoints{NftSetKeyType::kEndpointIpv6, false, 0};
  CHECK(create<NftSetChange>({"redirect-ipv6"}, endpoints) ==
        "nft add set inet twobox redirect-ipv6 "
        "'{ type ipv6_addr . inet_proto . inet_service ; }'");
  CHECK(remove<NftSetChange>({"redirect-ipv6"}, endpoints) ==
        "nft delete set inet twobox redirect-ipv6");
}

TEST_CASE("commands for maps and their elements") {
  const NftSetConfig map{NftSetKeyType::kEndpointIpv4, true, 0};
  CHECK(create<NftSetChange>({"mark-ipv4"}, map) ==
        "nft add map inet twobox mark-ipv4 "
        "'{ type ipv4_addr . inet_proto . inet_service : mark ; }'");
  CHECK(remove<NftSetChange>({"mark-ipv4"}, map) == "nft delete map inet twobox mark-ipv4");
  CHECK(create<NftElementChange>({"mark-ipv4", kWeb}, {3}) ==
        "nft add element inet twobox mark-ipv4 '{ 172.16.0.30 . tcp . 80 : 3 }'");
}

TEST_CASE("commands for the elements of sets") {
  CHECK(create<NftElementChange>({"redirect-ipv6", kWeb6}, {}) ==
        "nft add element inet twobox redirect-ipv6 '{ 2001:db8::30 . tcp . 80 }'");
  CHECK(remove<NftElementChange>({"redirect-ipv4", kWeb}, {}) ==
        "nft delete element inet twobox redirect-ipv4 '{ 172.16.0.30 . tcp . 80 }'");
  CHECK(create<NftElementChange>({"peers", *MacAddress::parse("08-00-27-E1-3C-C5")}, {}) ==
        "nft add element inet twobox peers '{ 08:00:27:e1:3c:c5 }'");
  CHECK(remove<NftElementChange>({"odd", OpaqueElement{{0x0a, 0xff}}}, {}) ==
        "nft delete element inet twobox odd '{ 0x0aff }'");
}

TEST_CASE("commands for rules: changed and deleted by the handle that was observed") {
  KernelState state;
  add_redirect_rules(state, RedirectOf::kEveryPacket);
  const NftRuleKey key{"bypass", "redirect-ipv4"};
  const NftRuleConfig& rule = state.nft_rules.at(key);
  const std::string text =
      "meta nfproto ipv4 ip daddr . meta l4proto . th dport @redirect-ipv4 counter redirect comment '\"" +
      rule.comment + "\"'";
  CHECK(command(NftRuleChange{key, {}, rule}) == "nft add rule inet twobox bypass " + text);
  const std::map<NftRuleKey, std::uint64_t> handles = {{key, 17}};
  CHECK(command_for(NftRuleChange{key, rule, rule}, handles) ==
        "nft replace rule inet twobox bypass handle 17 " + text);
  CHECK(command_for(NftRuleChange{key, rule, {}}, handles) ==
        "nft delete rule inet twobox bypass handle 17");
  CHECK(command(NftRuleChange{key, rule, {}}) == "nft delete rule inet twobox bypass handle ?");
}

TEST_CASE("an apostrophe in a rule's comment stays within the quotes") {
  const NftRuleConfig rule{{NftRedirect{}}, "web: the admin's"};
  CHECK(create<NftRuleChange>({"bypass", "web"}, rule) ==
        R"(nft add rule inet twobox bypass redirect comment '"web: the admin'\''s"')");
}

TEST_CASE("commands for sysctls") {
  CHECK(update<SysctlChange>({"net.ipv4.ip_forward"}, {"1"}) == "sysctl -w net.ipv4.ip_forward=1");
  CHECK(update<SysctlChange>({"net.ipv4.conf.eth0/100.rp_filter"}, {"0"}) ==
        "sysctl -w net.ipv4.conf.eth0/100.rp_filter=0");
  CHECK(update<SysctlChange>({"net.ipv4.tcp_rmem"}, {"4096 131072 6291456"}) ==
        "sysctl -w net.ipv4.tcp_rmem='4096 131072 6291456'");
}

TEST_CASE("what a shell would take for more than text is quoted") {
  CHECK(update<SysctlChange>({"net.x"}, {"$(reboot)"}) == "sysctl -w net.x='$(reboot)'");
  CHECK(update<SysctlChange>({"net.x"}, {"a;b"}) == "sysctl -w net.x='a;b'");
  CHECK(update<SysctlChange>({"net.x"}, {"it's"}) == R"(sysctl -w net.x='it'\''s')");
  const AddressKey odd{interface("a;reboot"), IpPrefix::host(address("172.16.0.30"))};
  CHECK(create<AddressChange>(odd, {}) == "ip addr add 172.16.0.30/32 dev 'a;reboot'");
  CHECK(remove<NftChainChange>({"a b"}, {}) == "nft delete chain inet twobox 'a b'");
  CHECK(remove<NftSetChange>({"$x"}, {}) == "nft delete set inet twobox '$x'");
}
