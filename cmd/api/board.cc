#include "api/board.h"

#include <utility>

namespace twobox {

void StatusBoard::show(Snapshot snapshot) {
  auto next = std::make_shared<const Snapshot>(std::move(snapshot));
  {
    const std::lock_guard lock(mutex_);
    snapshot_ = std::move(next);
  }
  changed_.notify_all();
}

SharedSnapshot StatusBoard::look() const {
  const std::lock_guard lock(mutex_);
  return snapshot_;
}

SharedSnapshot StatusBoard::wait_for_other(const SharedSnapshot& seen,
                                           std::chrono::milliseconds patience) const {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, patience, [&] { return snapshot_ != seen; });
  return snapshot_;
}

}  // namespace twobox
