#include "api/board.h"

#include <utility>

namespace twobox {

void StatusBoard::show(DaemonView view) {
  view.status_text = status_json(view.status);
  auto next = std::make_shared<const DaemonView>(std::move(view));
  {
    const std::lock_guard lock(mutex_);
    view_ = std::move(next);
  }
  changed_.notify_all();
}

SharedView StatusBoard::look() const {
  const std::lock_guard lock(mutex_);
  return view_;
}

SharedView StatusBoard::wait_for_other(const SharedView& seen,
                                       std::chrono::milliseconds patience) const {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, patience, [&] { return view_ != seen; });
  return view_;
}

}  // namespace twobox
