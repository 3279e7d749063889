// The HTTP API: views of the daemon's last status, and requests to its loop. It never touches
// netlink.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "reconciler/status.h"
#include "schema/error.h"
#include "twobox/role_requests.h"

namespace twobox {

/// The one piece of state that threads share: an immutable report, replaced as a whole.
class StatusBoard {
 public:
  void show(StatusReport report);
  std::shared_ptr<const StatusReport> look() const;

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const StatusReport> report_ = std::make_shared<const StatusReport>();
};

/// Where to listen: "unix:PATH" or "HOST:PORT" (a loopback address).
struct ListenAddress {
  std::string host_or_path;
  int port = 0;  // 0: a unix socket
};
/// Error: kInvalidDocument, in words for the user.
Result<ListenAddress> parse_listen_address(const std::string& text);

/// Serves until it is destroyed, on threads of its own.
class ApiServer {
 public:
  /// `board` and `requests` outlive the server. A unix socket gets mode 0660; one that nobody
  /// listens on is replaced. Error: kUnavailable if the address is taken or can't be bound.
  static Result<std::unique_ptr<ApiServer>> start(const ListenAddress& address,
                                                  const StatusBoard& board, RoleRequests& requests);
  virtual ~ApiServer() = default;
};

}  // namespace twobox
