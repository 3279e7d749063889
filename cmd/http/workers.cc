#include "http/workers.h"

#include <system_error>

namespace twobox {

Workers::Workers(std::size_t threads, std::size_t waiting, Work work)
    : most_threads_(threads), most_waiting_(waiting), work_(std::move(work)) {}

Workers::~Workers() {
  close();
}

bool Workers::give(Connection& connection) {
  const std::lock_guard lock(mutex_);
  const bool busy = idle_ <= queue_.size();
  if (closing_) return false;
  if (busy && threads_.size() < most_threads_) {
    try {
      threads_.emplace_back([this] { serve(); });
    } catch (const std::system_error&) {  // the process has all the threads it may have
      if (threads_.empty()) return false;
    }
  } else if (busy && queue_.size() - idle_ >= most_waiting_) {
    return false;
  }
  queue_.push_back(std::move(connection));
  given_.notify_one();
  return true;
}

bool Workers::pressed() const {
  const std::lock_guard lock(mutex_);
  return queue_.size() > idle_;
}

bool Workers::closing() const {
  const std::lock_guard lock(mutex_);
  return closing_;
}

void Workers::close() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    queue_.clear();
  }
  given_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

/// The newest call first: in a flood of slow ones, an honest client must not stand behind them all.
void Workers::serve() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    given_.wait(lock, [this] { return closing_ || !queue_.empty(); });
    --idle_;
    if (closing_) return;
    Connection connection = std::move(queue_.back());
    queue_.pop_back();
    lock.unlock();
    work_(std::move(connection), *this);
    lock.lock();
  }
}

}  // namespace twobox
