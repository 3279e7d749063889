// The rhythm of all checks: when each begins, and what its outcomes make of its server.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "checks/check_kind.h"
#include "checks/event_loop.h"
#include "checks/through_vip.h"
#include "reconciler/health.h"
#include "schema/error.h"

namespace twobox {

/// Used by the thread of the event loop.
class CheckLoop {
 public:
  /// Takes what is known of a server: when that has changed, and when it is named as a target.
  using OnHealth = std::function<void(const RealServerKey&, const ServerHealth&)>;

  /// `loop` outlives it. `through_vip` may be null: then what asks for it is not checked.
  /// Error: kUnavailable.
  static Result<std::unique_ptr<CheckLoop>> open(EventLoop& loop,
                                                 std::unique_ptr<ThroughVip> through_vip,
                                                 OnHealth on_health);
  CheckLoop(const CheckLoop&) = delete;
  CheckLoop& operator=(const CheckLoop&) = delete;
  ~CheckLoop();

  /// From now on these are checked and no others. One that is as before keeps its rhythm; one
  /// whose check has changed keeps what is known of it; one that is gone is forgotten.
  void set_targets(std::vector<CheckTarget> targets);

 private:
  struct Checked {
    CheckTarget target;
    RiseAndFall verdict;
    CheckId under_way = 0;          // 0: none
    bool asks_vip = false;          // the check under way is at its second part
    SteadyTime begun = {};          // the last one
    EventLoop::AlarmId alarm = {};  // the next one's begin; of a second part: its deadline
  };

  CheckLoop(EventLoop& loop, std::unique_ptr<ThroughVip> through_vip, OnHealth on_health);
  CheckKind& kind_of(const Check& check);
  void take_up(Checked& checked);
  void drop(Checked& checked);
  void begin(Checked& checked);
  void part_done(CheckId id, const CheckOutcome& outcome);
  void ask_vip(Checked& checked);
  void hear_vip();
  void done(Checked& checked, const CheckOutcome& outcome);
  SteadyTime::duration at_random(SteadyTime::duration most);

  EventLoop& loop_;
  std::unique_ptr<ThroughVip> through_vip_;
  OnHealth on_health_;
  std::minstd_rand random_{std::random_device{}()};
  std::map<RealServerKey, Checked> checked_;  // stay where they are while checked
  std::map<CheckId, Checked*> under_way_;
  CheckId last_id_ = 0;
  std::unique_ptr<CheckKind> tcp_, http_, exec_, file_;  // end first
};

}  // namespace twobox
