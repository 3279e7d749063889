// The kernel objects twobox holds, each split into Key (what makes it *this* object) and Config
// (what may change while it stays the same). Equality is over all fields, so nothing drifts unseen.
// Numbers are in host order; only codecs in backends/ know the kernel's forms.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "schema/document.h"
#include "schema/net.h"

namespace twobox {

// --- addresses -----------------------------------------------------------------------------------

struct AddressKey {
  InterfaceName interface;
  IpPrefix prefix;
  friend auto operator<=>(const AddressKey&, const AddressKey&) = default;
};
struct AddressConfig {
  bool permanent = true;    // false: the address expires by itself (finite valid_lft)
  bool preferred = true;    // false: preferred_lft 0, never chosen as a source address
  bool dad_failed = false;  // IPv6 found a duplicate and does not use the address
  friend bool operator==(const AddressConfig&, const AddressConfig&) = default;
};

// --- IPVS ----------------------------------------------------------------------------------------

/// A service by protocol, address and port. Port 0 (every port) can be observed, never desired.
struct Endpoint {
  IpAddress address;
  Protocol protocol;
  std::uint16_t port;
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};
/// A service by firewall mark.
struct FirewallMark {
  AddressFamily family;
  std::uint32_t mark;
  friend auto operator<=>(const FirewallMark&, const FirewallMark&) = default;
};
using IpvsServiceKey = std::variant<Endpoint, FirewallMark>;

struct Persistence {
  std::uint32_t timeout = 0;   // seconds
  unsigned prefix_length = 0;  // of the client network that sticks to one server
  friend bool operator==(const Persistence&, const Persistence&) = default;
};
struct IpvsServiceConfig {
  std::string scheduler;
  SchedulerFlags scheduler_flags;
  std::optional<Persistence> persistence;
  bool one_packet = false;
  std::string persistence_engine;  // "" = none; we never ask for one, others may have
  friend bool operator==(const IpvsServiceConfig&, const IpvsServiceConfig&) = default;
};

struct RealServerKey {
  IpvsServiceKey service;
  IpAddress address;
  std::uint16_t port;
  friend auto operator<=>(const RealServerKey&, const RealServerKey&) = default;
};
struct TunnelEncapsulation {
  std::uint8_t type = 0;   // 0 ipip, 1 gue, 2 gre
  std::uint16_t port = 0;  // gue only
  std::uint16_t flags = 0;
  friend bool operator==(const TunnelEncapsulation&, const TunnelEncapsulation&) = default;
};
struct RealServerConfig {
  Forwarding forwarding = Forwarding::kDirect;
  std::uint32_t weight = 1;
  std::uint32_t upper_threshold = 0;
  std::uint32_t lower_threshold = 0;
  TunnelEncapsulation tunnel;  // zero unless forwarding is tunnel
  friend bool operator==(const RealServerConfig&, const RealServerConfig&) = default;
};

enum class SyncState : std::uint8_t { kMaster, kBackup };
struct SyncDaemonKey {
  SyncState state;
  friend auto operator<=>(const SyncDaemonKey&, const SyncDaemonKey&) = default;
};
struct SyncDaemonConfig {
  InterfaceName interface;
  std::uint8_t id = 0;
  std::uint16_t max_length = 0;  // 0: whatever the kernel derives from the interface's MTU
  IpAddress group;
  std::uint16_t port = 0;
  std::uint8_t ttl = 0;
  friend bool operator==(const SyncDaemonConfig&, const SyncDaemonConfig&) = default;
};

struct IpvsTimeoutsKey {  // one per network namespace
  friend auto operator<=>(const IpvsTimeoutsKey&, const IpvsTimeoutsKey&) = default;
};
/// Seconds.
struct IpvsTimeoutsConfig {
  std::uint32_t tcp = 0;
  std::uint32_t tcp_fin = 0;
  std::uint32_t udp = 0;
  friend bool operator==(const IpvsTimeoutsConfig&, const IpvsTimeoutsConfig&) = default;
};

// --- nftables: only the table `inet twobox`
// --------------------------------------------------------

constexpr char kNftTableName[] = "twobox";

struct NftTableKey {
  friend auto operator<=>(const NftTableKey&, const NftTableKey&) = default;
};
struct NftTableConfig {
  std::uint32_t flags = 0;  // NFT_TABLE_F_*; dormant would switch all our rules off
  friend bool operator==(const NftTableConfig&, const NftTableConfig&) = default;
};

struct NftChainKey {
  std::string name;
  friend auto operator<=>(const NftChainKey&, const NftChainKey&) = default;
};
enum class NftHook : std::uint8_t { kNone, kPrerouting, kInput, kForward, kOutput, kPostrouting };
struct NftChainConfig {
  std::string type;  // "filter", "nat", "route"; "" for a chain without a hook
  NftHook hook = NftHook::kNone;
  std::int32_t priority = 0;
  bool accept_policy = true;
  friend bool operator==(const NftChainConfig&, const NftChainConfig&) = default;
};

/// The forms of key our sets have; whatever else is found in our table is kOther.
enum class NftSetKeyType : std::uint8_t { kEndpointIpv4, kEndpointIpv6, kEtherAddress, kOther };
struct NftSetKey {
  std::string name;
  friend auto operator<=>(const NftSetKey&, const NftSetKey&) = default;
};
struct NftSetConfig {
  NftSetKeyType key_type = NftSetKeyType::kOther;
  bool maps_to_mark = false;      // a map whose values are packet marks
  std::uint32_t other_flags = 0;  // NFT_SET_* beyond map: constant, interval, timeout ...
  friend bool operator==(const NftSetConfig&, const NftSetConfig&) = default;
};

/// Bytes of an element in a set whose key type we do not know.
struct OpaqueElement {
  std::vector<std::uint8_t> bytes;
  friend auto operator<=>(const OpaqueElement&, const OpaqueElement&) = default;
};
/// The protocol number that stands for a hidden protocol: 253 and 254 are for experiments (RFC
/// 3692), and 252 is nobody's. All that counts is that IPVS balances none of them.
constexpr std::uint8_t hidden_protocol(Protocol protocol) {
  switch (protocol) {
    case Protocol::kUdp:
      return 253;
    case Protocol::kSctp:
      return 252;
    case Protocol::kTcp:
      break;
  }
  return 254;
}
struct NftElementKey {
  std::string set;
  std::variant<Endpoint, MacAddress, OpaqueElement> value;
  friend auto operator<=>(const NftElementKey&, const NftElementKey&) = default;
};
struct NftElementConfig {
  std::optional<std::uint32_t> mark;  // in a map
  bool has_extras = false;            // it expires, counts or the like; we never ask for that
  friend bool operator==(const NftElementConfig&, const NftElementConfig&) = default;
};

/// The parts of rules we write, in nft's order of evaluation; anything else read back is kept as
/// NftUnknown, so that an edited rule is never equal to ours.
struct NftFamilyIs {  // meta nfproto ipv4
  AddressFamily family;
  friend bool operator==(const NftFamilyIs&, const NftFamilyIs&) = default;
};
/// NftFamilyIs, read from the packet's first byte. nft then knows no names for the header's fields,
/// and lists what such a rule writes as a number: `ip protocol set tcp` is nothing it could load.
struct NftHeaderVersionIs {  // @nh,0,8 0x40-0x4f
  AddressFamily family;
  friend bool operator==(const NftHeaderVersionIs&, const NftHeaderVersionIs&) = default;
};
struct NftArrivesOverEthernet {  // meta iiftype ether
  friend bool operator==(const NftArrivesOverEthernet&, const NftArrivesOverEthernet&) = default;
};
struct NftDestinationInSet {  // ip daddr . meta l4proto . th dport @set
  AddressFamily family;
  std::string set;
  friend bool operator==(const NftDestinationInSet&, const NftDestinationInSet&) = default;
};
struct NftEtherSourceNotInSet {  // ether saddr != @set
  std::string set;
  friend bool operator==(const NftEtherSourceNotInSet&, const NftEtherSourceNotInSet&) = default;
};
struct NftEtherSourceInSet {  // ether saddr @set
  std::string set;
  friend bool operator==(const NftEtherSourceInSet&, const NftEtherSourceInSet&) = default;
};
struct NftOpensTcpConnection {  // meta l4proto tcp tcp flags syn / fin,syn,rst,ack
  friend bool operator==(const NftOpensTcpConnection&, const NftOpensTcpConnection&) = default;
};
/// The number in the IP header itself: with IPv6, that of an extension header if there is one.
struct NftHeaderProtocolIs {  // @nh,72,8 6, @nh,48,8 6
  AddressFamily family;
  std::uint8_t number;
  friend bool operator==(const NftHeaderProtocolIs&, const NftHeaderProtocolIs&) = default;
};
/// Leaves the checksums of both headers alone, so that writing the old number restores the packet.
struct NftSetHeaderProtocol {  // @nh,72,8 set 254, @nh,48,8 set 254
  AddressFamily family;
  std::uint8_t number;
  friend bool operator==(const NftSetHeaderProtocol&, const NftSetHeaderProtocol&) = default;
};
struct NftMarkFromMap {  // meta mark set ip daddr . meta l4proto . th dport map @map
  AddressFamily family;
  std::string map;
  friend bool operator==(const NftMarkFromMap&, const NftMarkFromMap&) = default;
};
struct NftRedirect {  // redirect (to this machine, same port)
  friend bool operator==(const NftRedirect&, const NftRedirect&) = default;
};
struct NftCounter {  // counter: what it has counted is no part of the rule
  friend bool operator==(const NftCounter&, const NftCounter&) = default;
};
struct NftUnknown {
  std::string text;  // libnftnl's words for common expressions, else the expressions' names
  friend bool operator==(const NftUnknown&, const NftUnknown&) = default;
};
using NftStatement = std::variant<NftFamilyIs, NftHeaderVersionIs, NftArrivesOverEthernet,
                                  NftDestinationInSet, NftEtherSourceNotInSet, NftEtherSourceInSet,
                                  NftOpensTcpConnection, NftHeaderProtocolIs, NftSetHeaderProtocol,
                                  NftMarkFromMap, NftRedirect, NftCounter, NftUnknown>;

/// `name` is the first word of the rule's comment ("redirect-ipv4: why it exists"). A rule that has
/// no such comment, or repeats one, is named "handle N": it is never one of ours.
struct NftRuleKey {
  std::string chain;
  std::string name;
  friend auto operator<=>(const NftRuleKey&, const NftRuleKey&) = default;
};
struct NftRuleConfig {
  std::vector<NftStatement> statements;
  std::string comment;  // at most 127 bytes
  friend bool operator==(const NftRuleConfig&, const NftRuleConfig&) = default;
};

/// What a rule's counter has counted since the rule was made or replaced.
struct NftCount {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  friend bool operator==(const NftCount&, const NftCount&) = default;
};
/// By rule; those without a counter are left out.
using NftCounts = std::map<NftRuleKey, NftCount>;

// --- sysctls -------------------------------------------------------------------------------------

/// sysctl(8)'s spelling: '.' separates, a '/' stands for a dot inside a part.
struct SysctlKey {
  std::string name;  // "net.ipv4.conf.enp0s3.arp_ignore"
  friend auto operator<=>(const SysctlKey&, const SysctlKey&) = default;
};
struct SysctlConfig {
  std::string value;  // runs of white space are one space
  friend bool operator==(const SysctlConfig&, const SysctlConfig&) = default;
};

// --- all of them ---------------------------------------------------------------------------------

struct KernelState {
  std::map<AddressKey, AddressConfig> addresses;
  std::map<IpvsServiceKey, IpvsServiceConfig> ipvs_services;
  std::map<RealServerKey, RealServerConfig> ipvs_servers;
  std::map<SyncDaemonKey, SyncDaemonConfig> ipvs_daemons;
  std::map<IpvsTimeoutsKey, IpvsTimeoutsConfig> ipvs_timeouts;
  std::map<NftTableKey, NftTableConfig> nft_tables;
  std::map<NftChainKey, NftChainConfig> nft_chains;
  std::map<NftSetKey, NftSetConfig> nft_sets;
  std::map<NftElementKey, NftElementConfig> nft_elements;
  std::map<NftRuleKey, NftRuleConfig> nft_rules;
  std::map<SysctlKey, SysctlConfig> sysctls;  // observed: those asked for that exist
  friend bool operator==(const KernelState&, const KernelState&) = default;
};

/// A difference of one object: before only = delete, after only = create, both = update.
template <typename KeyType, typename ConfigType>
struct ChangeOf {
  using Key = KeyType;
  using Config = ConfigType;
  Key key;
  std::optional<Config> before;
  std::optional<Config> after;
  friend bool operator==(const ChangeOf&, const ChangeOf&) = default;
};

using AddressChange = ChangeOf<AddressKey, AddressConfig>;
using IpvsServiceChange = ChangeOf<IpvsServiceKey, IpvsServiceConfig>;
using RealServerChange = ChangeOf<RealServerKey, RealServerConfig>;
using SyncDaemonChange = ChangeOf<SyncDaemonKey, SyncDaemonConfig>;
using IpvsTimeoutsChange = ChangeOf<IpvsTimeoutsKey, IpvsTimeoutsConfig>;
using NftTableChange = ChangeOf<NftTableKey, NftTableConfig>;
using NftChainChange = ChangeOf<NftChainKey, NftChainConfig>;
using NftSetChange = ChangeOf<NftSetKey, NftSetConfig>;
using NftElementChange = ChangeOf<NftElementKey, NftElementConfig>;
using NftRuleChange = ChangeOf<NftRuleKey, NftRuleConfig>;
using SysctlChange = ChangeOf<SysctlKey, SysctlConfig>;

using Change = std::variant<AddressChange, IpvsServiceChange, RealServerChange, SyncDaemonChange,
                            IpvsTimeoutsChange, NftTableChange, NftChainChange, NftSetChange,
                            NftElementChange, NftRuleChange, SysctlChange>;

/// The part of the kernel that carries a change out; also the unit of one apply() call.
enum class Subsystem : std::uint8_t { kAddress, kIpvs, kNftables, kSysctl };

}  // namespace twobox
