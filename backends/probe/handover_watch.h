// Asks the wire, for a new master, whether its peers have given up the VIP.
#pragma once

#include "backends/probe/claims.h"
#include "reconciler/handover.h"
#include "schema/error.h"

namespace twobox {

/// Not thread-safe.
class HandoverWatch {
 public:
  /// `asker` stands on the question's interface, with its own address. Errors:
  /// ClaimSocket::open()'s.
  static Result<HandoverWatch> open(HandoverQuestion question, const ClaimAsker& asker);

  /// Readable when somebody has answered.
  int fd() const { return socket_.fd(); }
  /// When to proceed even if nobody has.
  SteadyTime next() const { return handover_.next(); }

  /// Takes in what has been answered and asks what is due. True once the peers have given it up.
  /// Error: kTransport if nobody can be asked.
  Result<bool> proceed(SteadyTime now);

 private:
  HandoverWatch(HandoverQuestion question, const ClaimAsker& asker, ClaimSocket socket)
      : handover_(std::move(question)), asker_(asker), socket_(std::move(socket)) {}

  Handover handover_;
  ClaimAsker asker_;
  ClaimSocket socket_;
};

}  // namespace twobox
