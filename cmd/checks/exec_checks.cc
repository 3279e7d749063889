#include "checks/exec_checks.h"

#include <poll.h>

#include <algorithm>

#include "checks/cause.h"

namespace twobox {
namespace {

/// For killed processes to end before the daemon does.
constexpr std::chrono::milliseconds kPatience{500};

/// Killed commands that have not ended: they hang in the kernel, on a dead network file system say.
/// More of them would not help.
constexpr std::ptrdiff_t kMostUnended = 64;

}  // namespace

ExecChecks::~ExecChecks() {
  for (auto& [pid, run] : runs_) let_end(run);
  const SteadyTime limit = std::chrono::steady_clock::now() + kPatience;
  for (auto& [pid, run] : runs_) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(limit - std::chrono::steady_clock::now());
    pollfd ended{run.process.ended_fd(), POLLIN, 0};
    ::poll(&ended, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    static_cast<void>(run.process.wait());
    loop_.forget(run.process.ended_fd());
    loop_.forget(run.process.output_fd());
  }
}

void ExecChecks::begin(CheckId id, const CheckTarget& target) {
  const auto& check = std::get<ExecCheck>(target.check.how);
  const std::string& command = check.argv.front();
  if (std::ranges::count_if(runs_, [](const auto& run) { return run.second.id == 0; }) >=
      kMostUnended)
    return on_outcome_(id, not_made(command + ": too many killed commands have not ended yet"));
  auto process = ExecProcess::start(check);
  if (!process) {
    const std::string cause = command + ": " + process.error().message;
    return on_outcome_(
        id, is_own_shortage(process.error().errno_value) ? not_made(cause) : failed(cause));
  }
  const pid_t pid = process->pid();
  const auto deadline = loop_.alarm(std::chrono::steady_clock::now() + target.check.timeout,
                                    [this, pid] { time_is_up(pid); });
  auto& run =
      runs_.emplace(pid, Run{*std::move(process), id, command, target.check.timeout, deadline})
          .first->second;
  const Status ends =
      loop_.watch(run.process.ended_fd(), EPOLLIN, [this, pid](std::uint32_t) { ended(pid); });
  const Status speaks = loop_.watch(run.process.output_fd(), EPOLLIN, [this, pid](std::uint32_t) {
    ExecProcess& speaking = runs_.at(pid).process;
    if (!speaking.read_output()) loop_.forget(speaking.output_fd());
  });
  // One that can't be watched runs into its timeout.
  static_cast<void>(ends);
  static_cast<void>(speaks);
}

void ExecChecks::time_is_up(pid_t pid) {
  Run& run = runs_.at(pid);
  const CheckId id = run.id;
  run.process.read_output();
  const std::string said = printable(run.process.output());
  let_end(run);
  on_outcome_(id, failed(run.command + ": not ended within " + in_words(run.timeout) +
                         (said.empty() ? "" : ": " + said)));
}

void ExecChecks::ended(pid_t pid) {
  Run& run = runs_.at(pid);
  // While its leader is not waited for, the group's number is nobody else's.
  run.process.kill_group();
  run.process.read_output();
  const int status = run.process.wait();
  if (status == -1) return;
  loop_.cancel(run.deadline);
  loop_.forget(run.process.ended_fd());
  loop_.forget(run.process.output_fd());
  const auto done = runs_.extract(pid);
  const Run& last = done.mapped();
  if (last.id == 0) return;
  on_outcome_(last.id, status == 0 ? passed()
                                   : failed(last.command + ": " +
                                            ending_text(status, last.process.output())));
}

void ExecChecks::let_end(Run& run) {
  run.id = 0;
  loop_.cancel(run.deadline);
  run.process.kill_group();
}

void ExecChecks::give_up(CheckId id) {
  const auto run =
      std::ranges::find_if(runs_, [id](const auto& entry) { return entry.second.id == id; });
  if (run != runs_.end()) let_end(run->second);
}

}  // namespace twobox
