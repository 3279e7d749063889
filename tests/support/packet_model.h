// What becomes of the first packet of a new connection, worked out from the kernel objects of each
// machine alone. It knows what was measured on real kernels: who answers for a VIP, what nftables
// and IPVS make of a packet, and where direct routing sends it.
//
// Where the kernel chooses (a scheduler among real servers, the network among several answers to
// one ARP request) every choice is followed.
#pragma once

#include <string>
#include <vector>

#include "reconciler/objects.h"

namespace twobox::testing {

/// One machine of an Ethernet segment, with a server that listens on every address it has.
struct Station {
  std::string name;
  InterfaceName wire;  // its interface on the segment
  MacAddress mac;
  std::vector<IpAddress> addresses;  // its own on the wire, beside those in `kernel`
  KernelState kernel;
};

/// The machines that share a segment with the client. Not owned.
using Segment = std::vector<const Station*>;

enum class Ending {
  kAnswered,
  kUnresolved,  // nobody answers ARP or neighbour solicitation for the address
  kNoServers,   // dropped by an IPVS service that has no usable real server
  kBlackHole,   // dropped on the way for any other reason
  kLoop,  // a machine schedules the packet for the second time, and so does until its TTL ends
};

struct Path {
  Ending ending;
  /// "client -> a [ipvs -> b] -> b [redirect] -> answered by b"
  std::string text;
  friend bool operator==(const Path&, const Path&) = default;
};

/// Every path that a new connection from the client to `destination` can take; never empty.
std::vector<Path> paths_to(const Segment& segment, const Endpoint& destination);

/// True if `address` is on the machine's wire interface and in use.
bool holds_on_wire(const Station& machine, const IpAddress& address);

}  // namespace twobox::testing
