// Checks that ask by HTTP, with or without TLS.
#pragma once

#include <map>
#include <memory>

#include "checks/check_kind.h"
#include "checks/event_loop.h"
#include "checks/http_transfer.h"
#include "checks/libcurl.h"
#include "schema/error.h"

namespace twobox {

/// Each check is an HttpTransfer; libcurl's multi handle runs them all on the event loop.
class HttpChecks final : public CheckKind {
 public:
  /// `loop` outlives it.
  HttpChecks(EventLoop& loop, OnOutcome on_outcome);
  HttpChecks(const HttpChecks&) = delete;
  HttpChecks& operator=(const HttpChecks&) = delete;
  ~HttpChecks() override;

  void begin(CheckId id, const CheckTarget& target) override;
  void give_up(CheckId id) override;

 private:
  struct UnderWay {
    std::unique_ptr<HttpTransfer> transfer;
    EventLoop::AlarmId deadline;
  };
  using Transfers = std::map<CheckId, UnderWay>;

  Status set_up();
  static int on_socket(CURL* easy, curl_socket_t fd, int what, void* self, void* of_socket);
  static int on_timer(CURLM* multi, long milliseconds, void* self);
  void act(curl_socket_t fd, int events);
  void not_connected(CheckId id, SteadyTime deadline);
  void time_is_up(CheckId id);
  std::unique_ptr<HttpTransfer> take(Transfers::iterator ended);

  EventLoop& loop_;
  OnOutcome on_outcome_;
  EventLoop::AlarmId timer_;
  const Libcurl* curl_ = nullptr;  // from the first check on
  std::unique_ptr<CURLM, CURLMcode (*)(CURLM*)> multi_{nullptr, nullptr};
  Transfers transfers_;  // ends before multi_
};

}  // namespace twobox
