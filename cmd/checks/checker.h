// Checks real servers, in one thread of its own, and says what it knows of them.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "backends/file_descriptor.h"
#include "checks/check_loop.h"
#include "checks/event_loop.h"
#include "reconciler/check_targets.h"
#include "reconciler/health.h"

namespace twobox {

class Checker {
 public:
  /// `through_vip` may be null: see CheckLoop. The thread takes no signals.
  /// Error: kUnavailable with errno where the kernel refuses a descriptor or the thread.
  static Result<std::unique_ptr<Checker>> start(std::unique_ptr<ThroughVip> through_vip = nullptr);
  Checker(const Checker&) = delete;
  Checker& operator=(const Checker&) = delete;
  /// Gives up what is under way; waits for nobody but the commands it kills, half a second at most.
  ~Checker();

  /// From now on these are checked and no others; see CheckLoop::set_targets(). Costs little when
  /// nothing has changed. Thread-safe.
  void set_targets(const std::vector<CheckTarget>& targets);

  /// What is known of each target: unknown as long as no check has given a verdict. Thread-safe.
  HealthMap verdicts() const;

  /// Readable when a verdict has changed since the last drain().
  int fd() const { return changed_.get(); }
  /// Whether one has.
  bool drain();

 private:
  Checker(EventLoop loop, FileDescriptor wake, FileDescriptor changed);
  void run();
  void take_targets();
  void learn(const RealServerKey& server, const ServerHealth& health);

  EventLoop loop_;  // the thread's, as is checks_
  std::unique_ptr<CheckLoop> checks_;
  FileDescriptor wake_;
  FileDescriptor changed_;
  std::atomic<bool> stopping_ = false;

  mutable std::mutex mutex_;  // of what follows
  std::vector<CheckTarget> targets_;
  bool targets_are_new_ = false;
  HealthMap verdicts_;

  std::thread thread_;
};

}  // namespace twobox
