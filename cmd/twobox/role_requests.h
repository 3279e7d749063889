// Changes of roles asked for over the API, on their way to the loop, which alone acts.
#pragma once

#include <future>
#include <mutex>
#include <optional>
#include <vector>

#include "backends/file_descriptor.h"
#include "schema/document.h"
#include "schema/error.h"

namespace twobox {

/// One request: the role to set by hand, or nullopt to take it back.
struct RoleRequest {
  VipName vip;
  std::optional<Role> role;
  std::promise<Status> answer;
};

class RoleRequests {
 public:
  /// Error: kUnavailable if there is no descriptor to be had.
  static Result<RoleRequests> open();

  /// For API threads: blocks until the loop has acted on it, or for ten seconds.
  /// Errors: kInvalidDocument for an unknown VIP; kUnavailable if it can't be stored or nobody
  /// answers.
  Status ask(VipName vip, std::optional<Role> role);

  /// For the loop: readable when there are requests.
  int fd() const { return wake_.get(); }
  std::vector<RoleRequest> take();

 private:
  explicit RoleRequests(FileDescriptor wake);

  FileDescriptor wake_;
  std::unique_ptr<std::mutex> mutex_;
  std::vector<RoleRequest> waiting_;
};

}  // namespace twobox
