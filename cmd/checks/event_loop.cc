#include "checks/event_loop.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

namespace twobox {
namespace {

constexpr std::size_t kEventsAtOnce = 256;

std::uint64_t packed(std::uint32_t serial, int fd) {
  return static_cast<std::uint64_t>(serial) << 32 | static_cast<std::uint32_t>(fd);
}

Error refused(const char* what) {
  return {ErrorKind::kUnavailable, errno, std::string(what) + ": " + std::strerror(errno)};
}

}  // namespace

Result<EventLoop> EventLoop::open() {
  FileDescriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.is_open()) return refused("epoll_create1");
  return EventLoop(std::move(epoll));
}

Status EventLoop::watch(int fd, std::uint32_t events, OnEvents handler) {
  const bool known = watches_.contains(fd);
  forget_closing(fd);
  epoll_event event{};
  event.events = events;
  event.data.u64 = packed(++last_serial_, fd);
  if (::epoll_ctl(epoll_.get(), known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) != 0)
    return refused("epoll_ctl");
  watches_.emplace(fd, Watched{last_serial_, std::move(handler)});
  return success();
}

void EventLoop::forget(int fd) {
  forget_closing(fd);
  // Fails only for a descriptor that was never watched, which is what was asked for.
  static_cast<void>(::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr));
}

void EventLoop::forget_closing(int fd) {
  if (auto watched = watches_.extract(fd)) forgotten_.push_back(std::move(watched));
}

EventLoop::AlarmId EventLoop::alarm(SteadyTime time, OnAlarm handler) {
  const AlarmId id{time, ++last_alarm_};
  alarms_.emplace(id, std::move(handler));
  return id;
}

int EventLoop::milliseconds_to_sleep(SteadyTime now) const {
  if (alarms_.empty()) return -1;
  using std::chrono::milliseconds;
  const auto due = alarms_.begin()->first.first.time_since_epoch();
  const auto grains = std::chrono::ceil<milliseconds>(due) / kAlarmGrain;
  const SteadyTime wake_at(
      kAlarmGrain * (due % kAlarmGrain == SteadyTime::duration::zero() ? grains : grains + 1));
  if (wake_at <= now) return 0;
  return static_cast<int>(std::chrono::ceil<milliseconds>(wake_at - now).count());
}

void EventLoop::turn() {
  const SteadyTime asked = std::chrono::steady_clock::now();
  std::array<epoll_event, kEventsAtOnce> events{};
  const int count =
      ::epoll_wait(epoll_.get(), events.data(), kEventsAtOnce, milliseconds_to_sleep(asked));
  for (int at = 0; at < count; ++at) {
    const epoll_event& event = events[static_cast<std::size_t>(at)];
    const auto fd = static_cast<int>(event.data.u64 & 0xffffffff);
    const auto watched = watches_.find(fd);
    if (watched != watches_.end() && packed(watched->second.serial, fd) == event.data.u64)
      watched->second.handler(event.events);
  }
  // Else there may be more events that were there by then.
  if (count < static_cast<int>(kEventsAtOnce)) ring_alarms(asked);
  forgotten_.clear();
}

void EventLoop::ring_alarms(SteadyTime now) {
  while (!alarms_.empty() && alarms_.begin()->first.first <= now) {
    const auto rung = alarms_.extract(alarms_.begin());
    rung.mapped()();
  }
}

}  // namespace twobox
