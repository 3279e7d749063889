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
struct DaemonView {
  StatusReport status;
  std::string status_text;  // status_json(status), written once for all who watch
  std::shared_ptr<const std::string> document;  // the text in force; null: none yet
  std::string etag;                             // its ETag, quoted; "" without a document
  std::string documents;                       // documents_json(): those that can be rolled back to
  std::shared_ptr<const std::string> traffic;  // its JSON; null: nobody watches, or see below
  std::string traffic_fault;                   // why it could not be read
};
using SharedView = std::shared_ptr<const DaemonView>;

/// An immutable view, replaced as a whole. Thread-safe.
class StatusBoard {
 public:
  StatusBoard() { show({}); }
  void show(DaemonView view);
  SharedView look() const;
  /// Blocks until there is another one than `seen`, for at most `patience`; gives what is there
  /// then.
  SharedView wait_for_other(const SharedView& seen, std::chrono::milliseconds patience) const;

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  SharedView view_;
};

}  // namespace twobox
