// Descriptors and moments one thread waits for: epoll and a list of alarms.
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <functional>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "backends/file_descriptor.h"
#include "reconciler/moment.h"
#include "schema/error.h"

namespace twobox {

/// Used by one thread. Handlers may call everything but turn().
class EventLoop {
 public:
  using OnEvents = std::function<void(std::uint32_t events)>;  // EPOLL*
  using OnAlarm = std::function<void()>;
  /// Names an alarm; the default one names none.
  using AlarmId = std::pair<SteadyTime, std::uint64_t>;

  /// Error: kUnavailable with errno.
  static Result<EventLoop> open();

  /// From now on `handler` hears of `events` at `fd`, level-triggered; what was said of the
  /// descriptor before is replaced. Error: kUnavailable with errno (ENOSPC:
  /// fs.epoll.max_user_watches).
  Status watch(int fd, std::uint32_t events, OnEvents handler);
  /// For a descriptor that stays open, or that a child process has a copy of.
  void forget(int fd);
  /// For one that is about to be closed: the kernel forgets it by itself.
  void forget_closing(int fd);

  /// Calls `handler` once, at `time` or up to kAlarmGrain later.
  AlarmId alarm(SteadyTime time, OnAlarm handler);
  /// One that has rung, or none, is nothing to complain about.
  void cancel(AlarmId alarm) { alarms_.erase(alarm); }

  /// Sleeps until something happens, then calls every handler that it concerns, once. What had
  /// happened at a descriptor by the time of an alarm is heard first, however late the thread runs:
  /// an answer that is there has not missed its deadline.
  void turn();

  /// Alarms within one grain share a wake-up, and what they begin shares the next one.
  static constexpr std::chrono::milliseconds kAlarmGrain{10};

 private:
  struct Watched {
    std::uint32_t serial;  // so that an event of a closed descriptor does not reach its successor
    OnEvents handler;
  };
  using Watches = std::unordered_map<int, Watched>;

  explicit EventLoop(FileDescriptor epoll) : epoll_(std::move(epoll)) {}
  int milliseconds_to_sleep(SteadyTime now) const;
  void ring_alarms(SteadyTime now);

  FileDescriptor epoll_;
  Watches watches_;
  std::vector<Watches::node_type> forgotten_;  // a handler may forget itself: it ends later
  std::uint32_t last_serial_ = 0;
  std::map<AlarmId, OnAlarm> alarms_;
  std::uint64_t last_alarm_ = 0;
};

}  // namespace twobox
