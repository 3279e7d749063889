// The only door to the kernel.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "reconciler/objects.h"
#include "reconciler/traffic.h"
#include "schema/error.h"

namespace twobox {

struct Link {
  std::uint32_t index = 0;
  std::optional<MacAddress> mac;  // absent on lo and other links without Ethernet address
  bool up = false;                // administratively (IFF_UP)
  friend bool operator==(const Link&, const Link&) = default;
};

/// A base chain of other hands that drops what no rule accepts: what another table accepts is
/// dropped here all the same.
struct DroppingChain {
  std::string family;  // "inet", "ip", "ip6"
  std::string table;
  std::string name;
  NftHook hook = NftHook::kInput;        // kInput or kOutput
  std::set<AddressFamily> accepts_vrrp;  // of these a rule may accept VRRP
  friend bool operator==(const DroppingChain&, const DroppingChain&) = default;
};

/// What a real server has, as the director sees it.
struct ServerConnections {
  std::uint32_t active = 0;    // TCP and SCTP: established, and for TCP also those that open
  std::uint32_t inactive = 0;  // TCP: closing or closed, kept for minutes; UDP: every one there is
  friend bool operator==(const ServerConnections&, const ServerConnections&) = default;
};

/// The live kernel state of one network namespace, read in full.
struct ObservedState {
  KernelState kernel;
  std::map<InterfaceName, Link> links;
  bool ipvs_loaded = false;                              // false: no ip_vs in this kernel (yet)
  std::map<NftRuleKey, std::uint64_t> nft_rule_handles;  // needed to replace or delete a rule
  NftCounts nft_counts;
  /// Read after `kernel`, so that of a server whose weight was 0 none is overlooked. Empty: not
  /// asked for.
  std::map<RealServerKey, ServerConnections> connections;
  // Absent: not asked for, or not readable. They only inform, so they never fail an observation.
  std::optional<std::vector<DroppingChain>> dropping_chains;
  friend bool operator==(const ObservedState&, const ObservedState&) = default;
};

/// The part of it that tells which node this is and who holds the VIPs.
struct Machine {
  std::map<InterfaceName, Link> links;
  std::map<AddressKey, AddressConfig> addresses;
  friend bool operator==(const Machine&, const Machine&) = default;
};

/// What observe() can't know by itself.
struct Scope {
  std::set<SysctlKey> sysctls;  // the ones to read; one that does not exist is left out
  bool dropping_chains = false;
  bool connections = false;
  friend bool operator==(const Scope&, const Scope&) = default;
};

/// The parts of the kernel that take long to read and say when they change.
struct Parts {
  bool ipvs = false;
  bool nftables = false;      // our table
  bool other_tables = false;  // for Scope::dropping_chains
  /// Of IPVS these services alone, with their real servers.
  std::set<IpvsServiceKey> ipvs_services = {};

  static Parts all() { return {true, true, true}; }
  Parts& operator|=(const Parts& more) {
    ipvs = ipvs || more.ipvs;
    nftables = nftables || more.nftables;
    other_tables = other_tables || more.other_tables;
    ipvs_services.insert(more.ipvs_services.begin(), more.ipvs_services.end());
    return *this;
  }
  friend bool operator==(const Parts&, const Parts&) = default;
};

/// One network namespace, read whole and changed step by step.
///
/// Keeps no memory of earlier passes. Not thread-safe: the reconcile loop is the only caller.
class Backend {
 public:
  virtual ~Backend() = default;

  /// Blocks for at most the socket deadline (2 s for each table).
  /// Errors: kTransport if a socket fails or a message is malformed; kTornDump if the kernel
  /// flagged every attempt with NLM_F_DUMP_INTR; kUnavailable (EPERM) without CAP_NET_ADMIN. A
  /// partial state is never returned.
  virtual Result<ObservedState> observe(const Scope& scope) = 0;

  /// observe(), but what is not among `parts` is taken over from `last`; addresses, links and
  /// sysctls are always read.
  virtual Result<ObservedState> observe_again(ObservedState last, const Scope& scope,
                                              const Parts& parts) = 0;

  /// observe()'s links and addresses alone, at a fraction of its cost.
  virtual Result<Machine> observe_machine() = 0;

  /// What was counted since each object was made, at the cost of observe()'s IPVS part; for people
  /// who watch. Errors: as observe().
  virtual Result<Traffic> observe_traffic() = 0;

  /// Carries out changes of one subsystem in order and says for each how it went. nftables: all or
  /// none. Creating what exists with another config edits it; deleting what is gone succeeds.
  /// `handles` are those of the observation the changes were planned from.
  /// Error: kKernelRefused with the kernel's errno and extended-ack text; that object is unchanged.
  virtual std::vector<Status> apply(Subsystem subsystem, std::span<const Change> changes,
                                    const std::map<NftRuleKey, std::uint64_t>& handles) = 0;

  /// Tells the neighbours that `address` is now here: `count` gratuitous ARP frames or unsolicited
  /// neighbour advertisements, at once.
  virtual Status announce(const InterfaceName& interface, const IpAddress& address, int count) = 0;
};

}  // namespace twobox
