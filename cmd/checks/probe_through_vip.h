// Asks servers through the VIP: other machines by a frame like those of this director, this one by
// its kernel's list of sockets.
#pragma once

#include <memory>
#include <vector>

#include "backends/file_descriptor.h"
#include "backends/probe/listeners.h"
#include "backends/probe/prober.h"
#include "checks/through_vip.h"

namespace twobox {

class ProbeThroughVip : public ThroughVip {
 public:
  /// Errors: kUnavailable without CAP_NET_RAW; kTransport.
  static Result<std::unique_ptr<ThroughVip>> open();

  int fd() const override { return epoll_.get(); }
  Status begin(CheckId id, const CheckTarget& target, SteadyTime deadline) override;
  std::vector<Answer> drain() override;

 private:
  ProbeThroughVip(Prober prober, FileDescriptor epoll, FileDescriptor answered)
      : prober_(std::move(prober)), epoll_(std::move(epoll)), answered_(std::move(answered)) {}

  Status look_up(CheckId id, const CheckTarget& target);

  Prober prober_;
  FileDescriptor epoll_;     // readable when one of the two others is
  FileDescriptor answered_;  // an event for answers_
  std::vector<Answer> answers_;
  ListeningSockets sockets_;
  SteadyTime sockets_read_{};
};

}  // namespace twobox
