// Valid document + which node this is -> what it has to check.
#pragma once

#include <optional>
#include <vector>

#include "reconciler/objects.h"
#include "schema/check.h"
#include "schema/validate.h"

namespace twobox {

/// One real server to check, and what a check through the VIP must know beside.
struct CheckTarget {
  RealServerKey server;  // whose verdict it is
  Check check;           // of its service, filled in for this server: see check_targets()
  IpAddress address;     // where it is asked
  Port port;
  bool is_local;  // this node itself
  IpAddress vip;
  Port service_port;
  InterfaceName interface;                    // the VIP's
  Bypass bypass;                              // the VIP's
  std::vector<MacAddress> macs;               // of the server, if it is a node of the document
  std::optional<IpAddress> own_address = {};  // this node's, of the VIP's family
  friend bool operator==(const CheckTarget&, const CheckTarget&) = default;
};

/// Every real server of every service that has a check, in no particular order; a fallback is taken
/// to be well. `node` is one of the document's.
///
/// The words of a command and the path of a file belong to a service, but are about one server: in
/// them {address}, {port}, {vip} and {node} are replaced by the server's address and port, the
/// VIP's address, and the server's node ("" if it is none).
std::vector<CheckTarget> check_targets(const ValidDocument& document, const NodeName& node);

}  // namespace twobox
