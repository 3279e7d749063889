// Hears of packets to VIPs that have nearly used up their hop limit; the kernel passes over all
// others.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "backends/packet/filter.h"
#include "backends/packet/socket.h"
#include "reconciler/loop_detector.h"
#include "schema/error.h"

namespace twobox {

/// Looks at the hop limit whoever sent the packet, since a wrong MAC in the document is among the
/// reasons for a loop. Not thread-safe.
class LoopWatch {
 public:
  /// Errors: kUnavailable without CAP_NET_RAW; kTransport.
  static Result<LoopWatch> open();

  /// Whose packets to look at; nothing is done when they are the same. Error: kTransport.
  Status set_vips(std::set<IpAddress> vips);

  /// Readable when something has come in.
  int fd() const { return socket_.fd(); }

  /// What has come in since, up to some hundred; never blocks.
  std::vector<LoopSuspect> drain();

  /// Packets with so few hops left since the last call, also those that came too fast for drain().
  std::uint64_t count() { return socket_.count_taken(); }

 private:
  explicit LoopWatch(PacketSocket socket) : socket_(std::move(socket)) {}

  PacketSocket socket_;
  std::set<IpAddress> vips_;
};

/// What the kernel's filter takes: at least the packets to `vips` with few hops left, and all such
/// packets of a family when its VIPs are too many to list.
std::vector<FramePattern> suspect_patterns(const std::set<IpAddress>& vips);

/// nullopt: not to one of `vips`, or with more hops left.
std::optional<LoopSuspect> read_suspect(FrameBytes bytes, const std::set<IpAddress>& vips);

}  // namespace twobox
