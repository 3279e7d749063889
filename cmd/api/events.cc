#include "api/events.h"

#include "reconciler/history_json.h"

namespace twobox {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kSlice{500};
constexpr std::chrono::seconds kHeartbeat{15};

/// What one watcher has seen.
class Watch {
 public:
  Watch(const StatusBoard& board, LoopRequests& requests)
      : board_(board),
        requests_(requests),
        told_sequence_(board.look()->status.history->last_sequence()) {}

  std::string next() {
    requests_.want_traffic();
    const SharedView view = seen_ ? board_.wait_for_other(seen_, kSlice) : board_.look();
    std::string text = view == seen_ ? "" : news(*view);
    seen_ = view;
    if (text.empty() && Clock::now() - last_ >= kHeartbeat) text = ":\n\n";
    if (!text.empty()) last_ = Clock::now();
    return text;
  }

 private:
  std::string news(const DaemonView& view) {
    std::string text;
    if (view.status_text != told_status_) {
      told_status_ = view.status_text;
      text += event_text("status", told_status_);
    }
    if (view.traffic && view.traffic != told_traffic_) text += event_text("traffic", *view.traffic);
    told_traffic_ = view.traffic;
    if (const auto changes = view.status.history->after(told_sequence_); !changes.empty()) {
      told_sequence_ = changes.back().sequence;
      text += event_text("history", history_json({changes.begin(), changes.end()}));
    }
    return text;
  }

  const StatusBoard& board_;
  LoopRequests& requests_;
  SharedView seen_;
  std::string told_status_;
  std::shared_ptr<const std::string> told_traffic_;
  std::uint64_t told_sequence_;
  Clock::time_point last_ = Clock::now();
};

}  // namespace

HttpAnswer watch_events(const StatusBoard& board, LoopRequests& requests) {
  return {200, kEventType, "", {}, [watch = std::make_shared<Watch>(board, requests)] {
            return std::optional<std::string>(watch->next());
          }};
}

std::string event_text(const std::string& name, const std::string& data) {
  std::string text = "event: " + name + "\n";
  for (std::size_t begin = 0; begin <= data.size();) {
    const std::size_t end = std::min(data.find('\n', begin), data.size());
    text += "data: " + data.substr(begin, end - begin) + "\n";
    begin = end + 1;
  }
  return text + "\n";
}

}  // namespace twobox
