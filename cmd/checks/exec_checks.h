// Checks that run a command.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>

#include "checks/check_kind.h"
#include "checks/event_loop.h"
#include "checks/exec_process.h"

namespace twobox {

/// A command runs as leader of a process group of its own, which is killed when its time is up,
/// when it ends (what it left behind with it), when it is given up, and, by the kernel, when this
/// thread ends. Its output, the end of it, is the cause.
class ExecChecks final : public CheckKind {
 public:
  /// `loop` outlives it.
  ExecChecks(EventLoop& loop, OnOutcome on_outcome)
      : loop_(loop), on_outcome_(std::move(on_outcome)) {}
  ExecChecks(const ExecChecks&) = delete;
  ExecChecks& operator=(const ExecChecks&) = delete;
  /// Waits for the killed ones, kPatience at most.
  ~ExecChecks() override;

  void begin(CheckId id, const CheckTarget& target) override;
  void give_up(CheckId id) override;

 private:
  struct Run {
    ExecProcess process;
    CheckId id;  // 0: its outcome is known or given up; it is left to end
    std::string command;
    std::chrono::milliseconds timeout;
    EventLoop::AlarmId deadline;
  };
  using Runs = std::map<pid_t, Run>;

  void time_is_up(pid_t pid);
  void ended(pid_t pid);
  void let_end(Run& run);

  EventLoop& loop_;
  OnOutcome on_outcome_;
  Runs runs_;
};

}  // namespace twobox
