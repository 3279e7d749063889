#include "backends/probe/handover_watch.h"

namespace twobox {

Result<HandoverWatch> HandoverWatch::open(HandoverQuestion question, const ClaimAsker& asker) {
  auto socket = ClaimSocket::open();
  if (!socket) return socket.error();
  return HandoverWatch(std::move(question), asker, *std::move(socket));
}

Result<bool> HandoverWatch::proceed(SteadyTime now) {
  for (const Claim& claim : socket_.drain(asker_.interface_index))
    if (claim.by != asker_.mac) handover_.hear(claim.address);
  for (const IpAddress& address : handover_.ask(now))
    if (const Status asked = socket_.ask(asker_, address); !asked) return asked.error();
  return handover_.is_over(now);
}

}  // namespace twobox
