// What somebody has set up on a machine as a document.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "reconciler/backend.h"
#include "reconciler/import.h"
#include "schema/document.h"

namespace twobox {

/// A rule of another nft table (iptables-nft's among them) that marks packets to an address, or
/// redirects them to the machine itself.
struct ForeignBypass {
  std::string place;  // "ip mangle PREROUTING"
  IpAddress address;
  std::optional<Protocol> protocol;
  std::optional<Port> port;
  std::optional<std::uint32_t> mark;  // absent: it redirects
  std::set<MacAddress> not_from;      // it leaves alone what these send
  friend bool operator==(const ForeignBypass&, const ForeignBypass&) = default;
};

/// A rule that marks or redirects by what it looks up in sets, which are not read.
struct UnreadRule {
  std::string place;  // as ForeignBypass has it
  std::uint64_t handle = 0;
  std::optional<IpAddress> address;  // absent: of any destination, or of what a set says
  friend bool operator==(const UnreadRule&, const UnreadRule&) = default;
};

struct ForeignBypasses {
  std::vector<ForeignBypass> read;
  std::vector<UnreadRule> unread;
  friend bool operator==(const ForeignBypasses&, const ForeignBypasses&) = default;
};

struct MachineFacts {
  ObservedState state;  // with import_scope()
  ForeignBypasses bypasses;
  std::set<std::string> keepalived_words;  // what its files name: an address there is keepalived's
};

/// The sysctls that a document may have to hold.
Scope import_scope();

/// A VIP is the address of an IPVS service or, for a mark, the one whose packets a rule gives it.
/// Nodes are the real servers by direct routing, and this machine. The bypass is what is seen; on a
/// master, where redirect leaves nothing to see, it is presumed, with a note. `macs` are those of
/// this machine and its neighbours.
Import import_machine(const MachineFacts& facts, const MacsByAddress& macs);

}  // namespace twobox
