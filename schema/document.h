// What the user wrote, typed, field by field. Defaults that need other fields (the server list,
// the VIP's prefix) are filled in by resolve, not here.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "schema/check.h"
#include "schema/net.h"

namespace twobox {

using NodeName = std::string;
using VipName = std::string;

/// One thing wrong with a document.
struct Fault {
  std::string pointer;  // RFC 6901, "/vips/web/services/0/port"; "" is the whole document
  std::string detail;   // what was found and what is allowed
  friend bool operator==(const Fault&, const Fault&) = default;
};
using Faults = std::vector<Fault>;

/// One line: "/vips/web/services/0/port: found 65616, allowed is a whole number from 1 to 65535".
std::string to_string(const Fault& fault);

struct Node {
  std::vector<IpAddress> addresses;  // at most one per family serves as real server
  std::vector<MacAddress> macs;
  std::optional<std::chrono::seconds> drain = {};  // as Server's, for all it serves
  friend bool operator==(const Node&, const Node&) = default;
};

enum class Role : std::uint8_t { kMaster, kBackup, kFault };
std::string_view to_string(Role role);
std::optional<Role> role_from_text(std::string_view text);

struct MasterNode {
  NodeName node;  // this node is master, all others are backup
  friend bool operator==(const MasterNode&, const MasterNode&) = default;
};
struct FollowAddress {  // master while the VIP is on the interface; somebody else owns the address
  friend bool operator==(const FollowAddress&, const FollowAddress&) = default;
};
struct FollowKeepalived {
  std::string instance;  // vrrp_instance name
  std::string fifo;      // path of keepalived's vrrp_notify_fifo
  friend bool operator==(const FollowKeepalived&, const FollowKeepalived&) = default;
};
/// Where a VIP's role comes from. A plain Role is this node's.
using RoleSource = std::variant<Role, MasterNode, FollowAddress, FollowKeepalived>;

enum class Bypass : std::uint8_t { kRedirect, kMacMark, kBackupOnly, kNone };
std::string_view to_string(Bypass bypass);

enum class Forwarding : std::uint8_t { kDirect, kMasquerade, kTunnel };
std::string_view to_string(Forwarding forwarding);

struct Server {
  std::variant<NodeName, IpAddress> target;
  std::optional<Port> port;  // default: the service's port
  std::uint32_t weight = 1;  // 0 = no new connections; kernel limit 2^31-1
  Forwarding forwarding = Forwarding::kDirect;
  std::uint32_t upper_threshold = 0;  // connections; 0 = no limit
  std::uint32_t lower_threshold = 0;
  /// Takes no new connection, and goes when none is left or after so long.
  std::optional<std::chrono::seconds> drain = {};
  friend bool operator==(const Server&, const Server&) = default;
};

/// What becomes of a server whose checks fail.
enum class OnFailure : std::uint8_t { kRemove, kWeightZero };

/// Bits of IP_VS_SVC_F_SCHED1..3, which mean something else to each scheduler.
struct SchedulerFlags {
  bool flag_1 = false;  // sh-fallback, mh-fallback
  bool flag_2 = false;  // sh-port, mh-port
  bool flag_3 = false;
  friend bool operator==(const SchedulerFlags&, const SchedulerFlags&) = default;
};

/// A firewall mark: one for all nodes, or one by node.
using Mark = std::variant<std::uint32_t, std::map<NodeName, std::uint32_t>>;

struct Service {
  Protocol protocol;
  Port port;
  std::string scheduler = "wlc";
  SchedulerFlags scheduler_flags = {};
  std::uint32_t persistence_timeout = 0;  // seconds; 0 = off
  std::optional<unsigned> persistence_prefix_length =
      {};                         // from persistence_netmask; default: full length
  bool one_packet = false;        // UDP only
  std::optional<Mark> mark = {};  // mac-mark only
  std::optional<std::vector<Server>> servers = {};  // default: every node, same port, weight 1
  std::optional<Check> check = {};                  // absent: its servers are taken to be well
  OnFailure on_failure = OnFailure::kRemove;
  std::uint32_t quorum = 1;             // with fewer healthy servers than this the fallback serves
  std::optional<Server> fallback = {};  // unchecked, and alone while it serves
  std::chrono::seconds slow_start{0};   // from up again to full weight; 0: at once
  /// Servers that leave the document first lose their weight, and go when no connection is left or
  /// after so long. Absent: they go at once.
  std::optional<std::chrono::seconds> drain = {};
  friend bool operator==(const Service&, const Service&) = default;
};

struct Vip {
  IpPrefix address;
  InterfaceName interface;
  RoleSource role;
  Bypass bypass;
  std::vector<Service> services;
  friend bool operator==(const Vip&, const Vip&) = default;
};

/// The IPVS connection sync daemon; absent fields take the kernel's defaults.
struct Sync {
  InterfaceName interface;
  std::uint8_t id = 0;
  std::optional<std::uint16_t> max_length;  // bytes of a sync message
  std::optional<IpAddress> group;           // multicast; kernel default 224.0.0.81
  std::optional<Port> port;                 // kernel default 8848
  std::optional<std::uint8_t> ttl;          // kernel default 1
  friend bool operator==(const Sync&, const Sync&) = default;
};

/// IPVS connection timeouts in seconds; an absent one is left alone.
struct Timeouts {
  std::optional<std::uint32_t> tcp;
  std::optional<std::uint32_t> tcp_fin;
  std::optional<std::uint32_t> udp;
  friend bool operator==(const Timeouts&, const Timeouts&) = default;
};

enum class Prune : std::uint8_t { kOwned, kAll };

/// What becomes of a document that the kernel can't be brought to.
enum class IfNotConverged : std::uint8_t { kKeep, kRevert };

struct Document {
  std::map<NodeName, Node> nodes;
  std::map<VipName, Vip> vips;
  std::optional<Sync> sync;
  std::optional<Timeouts> timeouts;
  std::map<std::string, std::string> sysctls;  // "net.ipv4.ip_forward" -> "1"
  Prune prune = Prune::kOwned;
  IfNotConverged if_not_converged = IfNotConverged::kKeep;
  friend bool operator==(const Document&, const Document&) = default;
};

}  // namespace twobox
