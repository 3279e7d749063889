// The one piece of state that the loop shares with API threads.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

#include "reconciler/status.h"

namespace twobox {

/// What the loop knew after its last turn.
struct Snapshot {
  StatusReport status;
  std::shared_ptr<const std::string> document;  // the text in force; null: none yet
  std::string etag;                             // its ETag, quoted; "" without a document
};
using SharedSnapshot = std::shared_ptr<const Snapshot>;

/// An immutable snapshot, replaced as a whole. Thread-safe.
class StatusBoard {
 public:
  void show(Snapshot snapshot);
  SharedSnapshot look() const;
  /// Blocks until there is another one than `seen`, for at most `patience`; gives what is there
  /// then.
  SharedSnapshot wait_for_other(const SharedSnapshot& seen,
                                std::chrono::milliseconds patience) const;

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  SharedSnapshot snapshot_ = std::make_shared<const Snapshot>();
};

}  // namespace twobox
