// What doctor has read of a machine, its configuration and its peer, before anything is judged. A
// part is what was read, or why it could not be: no check passes on what nobody has seen.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "reconciler/backend.h"
#include "reconciler/keepalived_text.h"
#include "reconciler/roles.h"
#include "reconciler/selftest.h"
#include "schema/error.h"
#include "schema/validate.h"

namespace twobox {

struct ListenerFact {
  SelftestListener wanted;
  bool listens = false;
};

struct InterfaceShape {
  unsigned mtu = 0;        // bytes of an IP packet
  bool is_tunnel = false;  // takes IP out of IP
};

/// A line of somebody's configuration, without its comment.
struct ConfigLine {
  std::string file;
  std::size_t line = 0;  // the first is 1
  std::string text;
  friend bool operator==(const ConfigLine&, const ConfigLine&) = default;
};

/// What configures an interface, and takes from it the addresses that it did not put there.
struct AddressKeeper {
  enum class Service : std::uint8_t { kNetworkd, kNetworkManager };
  Service service;
  std::string told_by;  // the file that says so
  std::string config;   // networkd: the interface's .network file
  friend bool operator==(const AddressKeeper&, const AddressKeeper&) = default;
};

/// nftables.service, which loads a file at boot and at each reload.
struct NftablesService {
  bool enabled = false;
  std::vector<ConfigLine> lines;  // of that file and what it includes; empty unless enabled
};

/// What the daemon of another node answered.
struct PeerFacts {
  std::string api;
  Result<NodeName> node;
  Result<std::map<VipName, Role>> roles;
  Result<std::string> document;  // its text
};

inline Error not_read() {
  return {ErrorKind::kUnavailable, 0, "not read"};
}

struct DoctorFacts {
  const ValidDocument& document;
  std::string document_text;
  NodeName node;  // this one
  VipRoles roles;

  Result<ObservedState> kernel = not_read();  // with doctor_scope()
  Result<std::map<InterfaceName, InterfaceShape>> interfaces = not_read();
  Result<std::optional<InterfaceName>> ipv4_default_route = not_read();  // nullopt: there is none
  Result<std::vector<ListenerFact>> listeners = not_read();
  NeighbourMacs neighbours = {};  // those that answered
  /// Who on the wire, this machine apart, says that a VIP is his.
  std::map<VipName, Result<std::set<MacAddress>>> claimants = {};

  std::map<InterfaceName, Result<std::optional<AddressKeeper>>> keepers = {};
  Result<NftablesService> nftables = not_read();
  Result<std::vector<KeepalivedLine>> keepalived = not_read();  // empty: it has no configuration
  std::map<std::string, Result<bool>> modules = {};  // loaded, or could be; of doctor_modules()

  std::optional<PeerFacts> peer = {};  // absent: nobody said where it is
};

/// What of the kernel the checks look at. `interfaces`: those of this machine.
Scope doctor_scope(const Document& document,
                   const std::map<InterfaceName, InterfaceShape>& interfaces);

/// The kernel modules without which the document can't be brought about.
std::set<std::string> doctor_modules(const Document& document);

}  // namespace twobox
