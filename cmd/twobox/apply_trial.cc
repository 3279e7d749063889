#include "twobox/apply_trial.h"

#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string_view>

#include "twobox/signals.h"

namespace twobox {

Result<std::optional<DocumentTrial>> apply_trial(const DocumentRecord& record,
                                                 const std::string& etag,
                                                 const std::string& boot_id, Moment now,
                                                 std::chrono::milliseconds patience) {
  const auto& trial = record.trial;
  if (trial && trial->owner == TrialOwner::kDaemon)
    return Error{ErrorKind::kUnavailable, 0,
                 "the daemon, which does not run, has put document " + trial->etag +
                     " that waits to be confirmed: start it, or apply without --confirm"};
  if (record.converged.empty())
    return Error{ErrorKind::kUnavailable, 0,
                 "there is nothing to go back to: no document has converged on this machine yet; "
                 "apply this one without --confirm"};
  return next_trial(trial, record.converged.front(), etag,
                    {TrialOwner::kApply, boot_id, now, patience});
}

Result<FileDescriptor> hold_signals() {
  for (const int number : {SIGPIPE, SIGTSTP, SIGTTIN, SIGTTOU}) ::signal(number, SIG_IGN);
  return open_signals({SIGHUP, SIGINT, SIGQUIT, SIGTERM});
}

void forget_what_was_typed(int input) {
  static_cast<void>(::tcflush(input, TCIFLUSH));  // refused where there is no terminal
}

TrialWord wait_for_word(int input, int signals, SteadyTime deadline) {
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left <= std::chrono::milliseconds(0)) return TrialWord::kDeadline;
    std::array<pollfd, 2> waiting = {{{signals, POLLIN, 0}, {input, POLLIN, 0}}};
    if (::poll(waiting.data(), waiting.size(), static_cast<int>(left.count())) <= 0) continue;
    if (waiting[0].revents != 0) return TrialWord::kGone;
    std::array<char, 256> typed{};
    const ssize_t count = ::read(input, typed.data(), typed.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return TrialWord::kGone;
    if (std::string_view(typed.data(), static_cast<std::size_t>(count)).find('\n') !=
        std::string_view::npos)
      return TrialWord::kKeep;
  }
}

}  // namespace twobox
