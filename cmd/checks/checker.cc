#include "checks/checker.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <set>
#include <system_error>

#include "checks/cause.h"

namespace twobox {
namespace {

Result<FileDescriptor> open_eventfd() {
  FileDescriptor fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd.is_open()) return Error{ErrorKind::kUnavailable, errno, "eventfd: " + errno_words(errno)};
  return fd;
}

/// Fails only when it is readable a great many times over, which is enough.
void make_readable(const FileDescriptor& eventfd) {
  const std::uint64_t one = 1;
  static_cast<void>(::write(eventfd.get(), &one, sizeof(one)) == sizeof(one));
}

bool was_readable(const FileDescriptor& eventfd) {
  std::uint64_t count = 0;
  return ::read(eventfd.get(), &count, sizeof(count)) == sizeof(count);
}

}  // namespace

Checker::Checker(EventLoop loop, FileDescriptor wake, FileDescriptor changed)
    : loop_(std::move(loop)), wake_(std::move(wake)), changed_(std::move(changed)) {}

Result<std::unique_ptr<Checker>> Checker::start(std::unique_ptr<ThroughVip> through_vip) {
  auto loop = EventLoop::open();
  if (!loop) return loop.error();
  auto wake = open_eventfd();
  if (!wake) return wake.error();
  auto changed = open_eventfd();
  if (!changed) return changed.error();
  std::unique_ptr<Checker> checker(
      new Checker(*std::move(loop), *std::move(wake), *std::move(changed)));
  Checker* const self = checker.get();
  auto checks = CheckLoop::open(self->loop_, std::move(through_vip),
                                [self](const RealServerKey& server, const ServerHealth& health) {
                                  self->learn(server, health);
                                });
  if (!checks) return checks.error();
  self->checks_ = *std::move(checks);
  const Status watched = self->loop_.watch(self->wake_.get(), EPOLLIN,
                                           [self](std::uint32_t) { self->take_targets(); });
  if (!watched) return watched.error();
  // The thread inherits the mask: also SIGPIPE, which TLS may raise.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    self->thread_ = std::thread([self] { self->run(); });
  } catch (const std::system_error& refusal) {
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return Error{ErrorKind::kUnavailable, refusal.code().value(), "start a thread for checks"};
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return checker;
}

Checker::~Checker() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  make_readable(wake_);
  thread_.join();
}

void Checker::run() {
  while (!stopping_) loop_.turn();
  checks_.reset();
}

void Checker::set_targets(const std::vector<CheckTarget>& targets) {
  {
    const std::lock_guard lock(mutex_);
    if (targets == targets_) return;
    targets_ = targets;
    targets_are_new_ = true;
    std::set<RealServerKey> wanted;
    const Moment now{std::chrono::steady_clock::now(), std::chrono::system_clock::now()};
    for (const CheckTarget& target : targets_) {
      wanted.insert(target.server);
      verdicts_.try_emplace(target.server, RiseAndFall(now).health());
    }
    std::erase_if(verdicts_, [&](const auto& entry) { return !wanted.contains(entry.first); });
  }
  make_readable(wake_);
}

void Checker::take_targets() {
  was_readable(wake_);
  std::vector<CheckTarget> targets;
  {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(targets_are_new_, false)) return;
    targets = targets_;
  }
  checks_->set_targets(std::move(targets));
}

void Checker::learn(const RealServerKey& server, const ServerHealth& health) {
  bool changed = false;
  {
    const std::lock_guard lock(mutex_);
    // One that is no longer wanted may end a check before the thread hears of that.
    const auto known = verdicts_.find(server);
    if (known == verdicts_.end()) return;
    changed = known->second.health != health.health;
    known->second = health;
  }
  if (changed) make_readable(changed_);
}

HealthMap Checker::verdicts() const {
  const std::lock_guard lock(mutex_);
  return verdicts_;
}

bool Checker::drain() {
  return was_readable(changed_);
}

}  // namespace twobox
