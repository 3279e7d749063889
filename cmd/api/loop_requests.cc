#include "api/loop_requests.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

namespace twobox {
namespace {

constexpr std::chrono::seconds kPatience{10};
constexpr std::chrono::seconds kTrafficIsWanted{5};

}  // namespace

LoopRequests::LoopRequests(FileDescriptor wake)
    : wake_(std::move(wake)), mutex_(std::make_unique<std::mutex>()) {}

Result<LoopRequests> LoopRequests::open() {
  FileDescriptor wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.is_open())
    return Error{ErrorKind::kUnavailable, errno, std::string("eventfd: ") + std::strerror(errno)};
  return LoopRequests(std::move(wake));
}

bool LoopRequests::add(LoopRequest request) {
  {
    const std::lock_guard lock(*mutex_);
    waiting_.push_back(std::move(request));
  }
  return wake();
}

bool LoopRequests::wake() {
  const std::uint64_t one = 1;
  return ::write(wake_.get(), &one, sizeof(one)) == sizeof(one);
}

void LoopRequests::want_traffic() {
  const SteadyTime now = std::chrono::steady_clock::now();
  {
    const std::lock_guard lock(*mutex_);
    // Many watchers wake the loop no more often than one.
    if (traffic_wanted_ && now - *traffic_wanted_ < kTrafficIsWanted / 2) return;
    traffic_wanted_ = now;
  }
  wake();
}

bool LoopRequests::traffic_is_wanted() const {
  const std::lock_guard lock(*mutex_);
  return traffic_wanted_ && std::chrono::steady_clock::now() - *traffic_wanted_ < kTrafficIsWanted;
}

template <typename Request, typename Answer>
Answer LoopRequests::ask(Request request, std::future<Answer> answer) {
  if (!add(std::move(request)) || answer.wait_for(kPatience) != std::future_status::ready)
    return Error{ErrorKind::kUnavailable, ETIMEDOUT,
                 "the daemon is busy and may still come to this; look at its status"};
  return answer.get();
}

Status LoopRequests::set_role(VipName vip, std::optional<Role> role) {
  RoleRequest request{std::move(vip), role, {}};
  auto answer = request.answer.get_future();
  return ask(std::move(request), std::move(answer));
}

Status LoopRequests::set_drain(std::string name, std::optional<std::chrono::seconds> deadline) {
  DrainRequest request{std::move(name), deadline, {}};
  auto answer = request.answer.get_future();
  return ask(std::move(request), std::move(answer));
}

Result<DocumentVerdict> LoopRequests::put_document(
    std::string text, ValidDocument document, EtagCondition condition,
    std::optional<std::chrono::milliseconds> confirm) {
  DocumentRequest request{std::move(text), std::move(document), std::move(condition), confirm, {}};
  auto answer = request.answer.get_future();
  return ask(std::move(request), std::move(answer));
}

Result<DocumentVerdict> LoopRequests::confirm(EtagCondition condition) {
  ConfirmRequest request{std::move(condition), {}};
  auto answer = request.answer.get_future();
  return ask(std::move(request), std::move(answer));
}

Result<DocumentVerdict> LoopRequests::roll_back(std::size_t number, EtagCondition condition) {
  RollbackRequest request{number, std::move(condition), {}};
  auto answer = request.answer.get_future();
  return ask(std::move(request), std::move(answer));
}

Result<DiffReport> LoopRequests::diff(std::optional<ValidDocument> document) {
  DiffRequest request{std::move(document), {}};
  auto answer = request.answer.get_future();
  return ask(std::move(request), std::move(answer));
}

std::vector<LoopRequest> LoopRequests::take() {
  std::uint64_t count = 0;
  static_cast<void>(::read(wake_.get(), &count, sizeof(count)) < 0);
  const std::lock_guard lock(*mutex_);
  return std::exchange(waiting_, {});
}

}  // namespace twobox
