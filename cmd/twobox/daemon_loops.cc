// How the daemon looks out for loops; what it finds changes nothing but what is said.
#include "twobox/daemon.h"
#include "twobox/log.h"

namespace twobox {
namespace {

/// Between two looks, so that a storm of looping packets costs no more than ten a second.
constexpr std::chrono::milliseconds kPause{100};

}  // namespace

void Daemon::watch_vips(const Document& document) {
  if (!ears_.loops) return;
  std::set<IpAddress> vips;
  for (const auto& [name, vip] : document.vips) vips.insert(vip.address.address());
  if (const Status watched = ears_.loops->set_vips(std::move(vips)); !watched)
    log(LogLevel::kWarning, "look out for loops: " + watched.error().message);
}

void Daemon::hear_loops() {
  if (!ears_.loops) return;
  const Moment moment = now();
  if (!loops_heard_again_ || *loops_heard_again_ <= moment.steady) {
    const auto suspects = ears_.loops->drain();
    for (const LoopSuspect& suspect : suspects) loop_detector_.see(suspect, moment);
    recorder_.loop_packets_counted(ears_.loops->count());
    loops_heard_again_.reset();
    if (!suspects.empty()) loops_heard_again_ = moment.steady + kPause;
  }
  if (document_) judge_loops();
}

void Daemon::judge_loops() {
  const Moment moment = now();
  std::optional<std::string> text;
  if (const auto evidence = loop_detector_.evidence(moment.steady))
    text = loop_text(*evidence, *document_->document);
  if (!recorder_.loops_judged(text, moment)) return;
  if (!text) {
    log(LogLevel::kInfo, "the loop has not been seen for a minute");
    return;
  }
  log(LogLevel::kError, "packets go round in a loop: " + *text);
  // It may be this node that is not as it should be.
  schedule_.wake(Parts::all());
}

}  // namespace twobox
