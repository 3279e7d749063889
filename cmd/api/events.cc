#include "api/events.h"

namespace twobox {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kSlice{500};
constexpr std::chrono::seconds kHeartbeat{15};

/// What one watcher has seen.
class Watch {
 public:
  explicit Watch(const StatusBoard& board) : board_(board) {}

  std::string next() {
    if (const SharedView snapshot = seen_ ? board_.wait_for_other(seen_, kSlice) : board_.look();
        snapshot != seen_) {
      seen_ = snapshot;
      if (snapshot->status_text != told_) {
        told_ = snapshot->status_text;
        last_ = Clock::now();
        return event_text("status", told_);
      }
    }
    if (Clock::now() - last_ < kHeartbeat) return "";
    last_ = Clock::now();
    return ":\n\n";
  }

 private:
  const StatusBoard& board_;
  SharedView seen_;
  std::string told_;
  Clock::time_point last_ = Clock::now();
};

}  // namespace

HttpAnswer watch_events(const StatusBoard& board) {
  return {200, kEventType, "", {}, [watch = std::make_shared<Watch>(board)] {
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
