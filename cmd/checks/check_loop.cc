#include "checks/check_loop.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <string>
#include <utility>

#include "checks/cause.h"
#include "checks/exec_checks.h"
#include "checks/file_checks.h"
#include "checks/http_checks.h"
#include "checks/tcp_checks.h"

namespace twobox {
namespace {

/// Within this, or their interval, new servers have their first check: not all at once.
constexpr std::chrono::seconds kFirstChecksWithin{1};

Moment now() {
  return {std::chrono::steady_clock::now(), std::chrono::system_clock::now()};
}

std::string asking(const CheckTarget& target) {
  return "ask " + target.address.to_string() + " through " +
         endpoint_text(target.vip, target.service_port.host_order());
}

}  // namespace

CheckLoop::CheckLoop(EventLoop& loop, std::unique_ptr<ThroughVip> through_vip, OnHealth on_health)
    : loop_(loop), through_vip_(std::move(through_vip)), on_health_(std::move(on_health)) {}

Result<std::unique_ptr<CheckLoop>> CheckLoop::open(EventLoop& loop,
                                                   std::unique_ptr<ThroughVip> through_vip,
                                                   OnHealth on_health) {
  std::unique_ptr<CheckLoop> checks(
      new CheckLoop(loop, std::move(through_vip), std::move(on_health)));
  CheckLoop* const self = checks.get();
  const OnOutcome on_outcome = [self](CheckId id, const CheckOutcome& outcome) {
    self->part_done(id, outcome);
  };
  checks->http_ = std::make_unique<HttpChecks>(loop, on_outcome);
  checks->tcp_ = std::make_unique<TcpChecks>(loop, on_outcome);
  checks->exec_ = std::make_unique<ExecChecks>(loop, on_outcome);
  checks->file_ = std::make_unique<FileChecks>(on_outcome);
  if (self->through_vip_ == nullptr) return checks;
  if (const Status watched = loop.watch(self->through_vip_->fd(), EPOLLIN,
                                        [self](std::uint32_t) { self->hear_vip(); });
      !watched)
    return watched.error();
  return checks;
}

CheckLoop::~CheckLoop() {
  for (auto& [key, checked] : checked_) drop(checked);
  if (through_vip_ != nullptr) loop_.forget(through_vip_->fd());
}

CheckKind& CheckLoop::kind_of(const Check& check) {
  if (std::holds_alternative<TcpCheck>(check.how)) return *tcp_;
  if (std::holds_alternative<HttpCheck>(check.how)) return *http_;
  if (std::holds_alternative<ExecCheck>(check.how)) return *exec_;
  return *file_;
}

void CheckLoop::set_targets(std::vector<CheckTarget> targets) {
  std::set<RealServerKey> wanted;
  for (CheckTarget& target : targets) {
    wanted.insert(target.server);
    const auto known = checked_.find(target.server);
    if (known == checked_.end()) {
      const RealServerKey key = target.server;
      take_up(
          checked_.emplace(key, Checked{.target = std::move(target), .verdict = RiseAndFall(now())})
              .first->second);
    } else if (known->second.target != target) {
      drop(known->second);
      known->second.target = std::move(target);
      take_up(known->second);
    }
  }
  for (auto at = checked_.begin(); at != checked_.end();) {
    const auto checked = at++;
    if (wanted.contains(checked->first)) {
      on_health_(checked->first, checked->second.verdict.health());
    } else {
      drop(checked->second);
      checked_.erase(checked);
    }
  }
}

void CheckLoop::take_up(Checked& checked) {
  const SteadyTime::duration most =
      std::min<SteadyTime::duration>(checked.target.check.interval, kFirstChecksWithin);
  checked.alarm = loop_.alarm(now().steady + at_random(most), [this, &checked] { begin(checked); });
}

void CheckLoop::drop(Checked& checked) {
  loop_.cancel(checked.alarm);
  if (checked.under_way == 0) return;
  under_way_.erase(checked.under_way);
  kind_of(checked.target.check).give_up(std::exchange(checked.under_way, 0));
}

void CheckLoop::begin(Checked& checked) {
  checked.begun = now().steady;
  checked.asks_vip = false;
  const CheckId id = checked.under_way = ++last_id_;
  under_way_.emplace(id, &checked);
  kind_of(checked.target.check).begin(id, checked.target);
}

void CheckLoop::part_done(CheckId id, const CheckOutcome& outcome) {
  const auto found = under_way_.find(id);
  if (found == under_way_.end()) return;
  Checked& checked = *found->second;
  if (outcome.kind == CheckOutcome::Kind::kPassed && checked.target.check.through_vip &&
      !checked.asks_vip)
    return ask_vip(checked);
  done(checked, outcome);
}

void CheckLoop::ask_vip(Checked& checked) {
  const CheckTarget& target = checked.target;
  checked.asks_vip = true;
  if (through_vip_ == nullptr)
    return done(checked, not_made(asking(target) + ": needs CAP_NET_RAW"));
  const SteadyTime deadline = checked.begun + target.check.timeout;
  checked.alarm = loop_.alarm(deadline, [this, &checked] {
    done(checked, failed(asking(checked.target) + ": no answer within " +
                         in_words(checked.target.check.timeout) +
                         ": it has not got the VIP, or drops the packet"));
  });
  const Status asked = through_vip_->begin(checked.under_way, target, deadline);
  if (!asked) done(checked, not_made(asking(target) + ": " + asked.error().message));
}

void CheckLoop::hear_vip() {
  for (const ThroughVip::Answer& answer : through_vip_->drain())
    part_done(answer.id, answer.outcome);
}

void CheckLoop::done(Checked& checked, const CheckOutcome& outcome) {
  const Check& check = checked.target.check;
  const Moment at = now();
  loop_.cancel(checked.alarm);
  under_way_.erase(std::exchange(checked.under_way, 0));
  const bool changed = checked.verdict.heard(outcome, check, at);
  const SteadyTime::duration jitter = at_random(check.interval * check.jitter / 100);
  checked.alarm = loop_.alarm(std::max(checked.begun + check.interval + jitter, at.steady),
                              [this, &checked] { begin(checked); });
  if (changed) on_health_(checked.target.server, checked.verdict.health());
}

SteadyTime::duration CheckLoop::at_random(SteadyTime::duration most) {
  return SteadyTime::duration(
      std::uniform_int_distribution<SteadyTime::rep>(0, most.count())(random_));
}

}  // namespace twobox
