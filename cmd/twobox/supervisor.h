// What started the daemon and looks after it, systemd as a rule, in its own protocols: it is told
// how the daemon is (sd_notify(3)) and may hand over sockets that it has opened (sd_listen_fds(3)).
// Both are a few environment variables and a datagram, and documented as stable; without them
// nothing happens here.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backends/file_descriptor.h"
#include "reconciler/moment.h"

namespace twobox {

class Supervisor {
 public:
  /// By NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
  static Supervisor from_environment();
  /// `notify_socket`: a path, or '@' and an abstract name; "": nobody listens. `watchdog`: after so
  /// long a silence the supervisor kills the daemon; nullopt: it does not.
  Supervisor(std::string notify_socket, std::optional<std::chrono::microseconds> watchdog);

  /// The loop is alive and has made its first pass; `status` is what it says of itself, on one
  /// line. Sends only what is news, and each half of the watchdog's time. Never waits.
  void alive(const std::string& status, SteadyTime now);
  /// When alive() is to be called again at the latest.
  std::optional<SteadyTime> due() const;
  void stopping() const;

 private:
  bool send(const std::string& message) const;

  std::string path_;
  std::optional<std::chrono::microseconds> watchdog_;
  FileDescriptor socket_;
  std::optional<std::string> told_;  // absent: not yet that it is ready
  std::optional<SteadyTime> due_;
};

/// The sockets handed over by LISTEN_FDS and LISTEN_PID, in their order. To be called once: they
/// are the caller's now, and the variables are unset.
std::vector<FileDescriptor> take_passed_sockets();

}  // namespace twobox
