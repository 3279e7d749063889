#include "twobox/signals.h"

#include <sys/signalfd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace twobox {

Result<FileDescriptor> open_signals(std::initializer_list<int> numbers) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : numbers) sigaddset(&signals, signal);
  FileDescriptor fd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.is_open() || ::pthread_sigmask(SIG_BLOCK, &signals, nullptr) != 0)
    return Error{ErrorKind::kTransport, errno, std::string("signalfd: ") + std::strerror(errno)};
  return fd;
}

}  // namespace twobox
