// Who on the wire says that an address is his: asked by ARP and by neighbour discovery.
#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <vector>

#include "backends/packet/bytes.h"
#include "backends/packet/headers.h"
#include "backends/packet/socket.h"
#include "schema/error.h"
#include "schema/net.h"

namespace twobox {

struct Claim {
  IpAddress address;
  MacAddress by;
  friend bool operator==(const Claim&, const Claim&) = default;
};

/// Who asks, on which interface.
struct ClaimAsker {
  int interface_index = 0;
  MacAddress mac;
  std::optional<IpAddress> address;  // this machine's; only IPv6 needs one
};

/// Asks for addresses and hears who answers; this machine itself never does. One who is asked twice
/// answers in the order of the questions: the kernel answers as they come in. Not thread-safe.
class ClaimSocket {
 public:
  /// Errors: kUnavailable without CAP_NET_RAW; kTransport.
  static Result<ClaimSocket> open();

  /// Readable when somebody has answered somebody's question.
  int fd() const { return socket_.fd(); }

  /// The answer goes to `asker`. Errors: kUnavailable if `address` is IPv6 and the asker has none;
  /// kTransport.
  Status ask(const ClaimAsker& asker, const IpAddress& address);

  /// What others have claimed on that interface since, oldest first, up to some hundred; never
  /// blocks.
  std::vector<Claim> drain(int interface_index);

 private:
  explicit ClaimSocket(PacketSocket socket) : socket_(std::move(socket)) {}

  PacketSocket socket_;
};

/// Asks once and gathers who answers within `patience`. `own`: the interface's MAC; `address` is
/// IPv4. Errors: ClaimSocket's; kUnavailable if there is no such interface.
Result<std::set<MacAddress>> find_claimants(const InterfaceName& interface, const MacAddress& own,
                                            const IpAddress& address,
                                            std::chrono::milliseconds patience);

/// An ARP probe as a whole frame: it comes from no address, so nobody learns anything (RFC 5227).
PacketBytes encode_arp_probe(const MacAddress& own, const IpAddress& address);
/// A neighbour solicitation as a whole frame. It does come from an address: one without would make
/// duplicate address detection fail where `address` has only just been set (RFC 4862, 5.4.3).
PacketBytes encode_solicitation(const MacAddress& own, const IpAddress& source,
                                const IpAddress& address);

/// What an ARP reply or a neighbour advertisement claims. nullopt: anything else.
std::optional<Claim> read_claim(FrameBytes frame);

}  // namespace twobox
