#include "twobox/role_requests.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

namespace twobox {
namespace {

constexpr std::chrono::seconds kPatience{10};

}  // namespace

RoleRequests::RoleRequests(FileDescriptor wake)
    : wake_(std::move(wake)), mutex_(std::make_unique<std::mutex>()) {}

Result<RoleRequests> RoleRequests::open() {
  FileDescriptor wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.is_open())
    return Error{ErrorKind::kUnavailable, errno, std::string("eventfd: ") + std::strerror(errno)};
  return RoleRequests(std::move(wake));
}

Status RoleRequests::ask(VipName vip, std::optional<Role> role) {
  std::promise<Status> promise;
  auto answer = promise.get_future();
  {
    const std::lock_guard lock(*mutex_);
    waiting_.push_back({std::move(vip), role, std::move(promise)});
  }
  const std::uint64_t one = 1;
  if (::write(wake_.get(), &one, sizeof(one)) != sizeof(one) ||
      answer.wait_for(kPatience) != std::future_status::ready)
    return Error{ErrorKind::kUnavailable, ETIMEDOUT, "the daemon is busy; look at its status"};
  return answer.get();
}

std::vector<RoleRequest> RoleRequests::take() {
  std::uint64_t count = 0;
  static_cast<void>(::read(wake_.get(), &count, sizeof(count)));
  const std::lock_guard lock(*mutex_);
  return std::exchange(waiting_, {});
}

}  // namespace twobox
