// Asks whether a TCP service answers, by one frame that takes the path it is told to take, whatever
// this machine's routes and addresses are.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "backends/packet/socket.h"
#include "backends/probe/frame.h"
#include "reconciler/moment.h"
#include "reconciler/probe.h"
#include "schema/error.h"

namespace twobox {

/// Any number of probes under way, over one packet socket. The kernel's TCP knows nothing of them:
/// it may refuse what they are answered (a reset to a port of kProbePorts, harmless), or not see it
/// at all, as an answer that comes from an address of this machine. Whoever listens sees half a
/// connection that is reset. Not thread-safe.
class Prober {
 public:
  /// Errors: kUnavailable without CAP_NET_RAW; kTransport.
  static Result<Prober> open();

  /// Readable when something has come in.
  int fd() const { return socket_.fd(); }
  /// When the next probe's time is up.
  std::optional<SteadyTime> next() const;

  /// Sends a probe; drain() gives its outcome by `deadline` at the latest. `id` is the caller's.
  /// Errors: kUnavailable if the interface does not exist, or with kMaxProbes under way; kTransport
  /// if it can't be sent. Nothing more comes of it then.
  Status begin(std::uint64_t id, const ProbeTarget& target, SteadyTime deadline);
  static constexpr std::size_t kMaxProbes = 4096;

  struct Ended {
    std::uint64_t id = 0;
    ProbeOutcome outcome;
  };
  /// What has ended by `now`, answered or not; never blocks.
  std::vector<Ended> drain(SteadyTime now);

 private:
  struct Probe {
    std::uint64_t id = 0;
    ProbeTarget target;
    int interface_index = 0;
    SteadyTime deadline;
    ProbeOutcome outcome;
  };

  Prober(PacketSocket socket, std::uint16_t tag, std::uint16_t first);
  void hear(FrameBytes bytes, int interface_index, std::vector<Ended>& ended);
  void end(std::uint16_t number, std::vector<Ended>& ended);

  PacketSocket socket_;
  std::uint16_t tag_;
  std::uint16_t next_number_;
  std::map<std::uint16_t, Probe> probes_;  // under way, by number
};

}  // namespace twobox
