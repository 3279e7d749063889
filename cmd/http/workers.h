// Threads for calls of one kind, started when first needed.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "http/connection.h"

namespace twobox {

class Workers {
 public:
  using Work = std::function<void(Connection, const Workers&)>;

  /// At most `threads` calls at once, at most `waiting` more in the queue.
  Workers(std::size_t threads, std::size_t waiting, Work work);
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  ~Workers();

  /// False: the queue is full, and the connection stays with the caller.
  bool give(Connection& connection);

  /// Somebody waits for a thread: who only waits for his client should give way.
  bool pressed() const;
  bool closing() const;

  /// Waits for the threads; what is in the queue is dropped.
  void close();

 private:
  void serve();

  const std::size_t most_threads_;
  const std::size_t most_waiting_;
  Work work_;
  mutable std::mutex mutex_;
  std::condition_variable given_;
  std::deque<Connection> queue_;
  std::size_t idle_ = 0;
  bool closing_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace twobox
