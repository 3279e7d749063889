// Checks that ask by HTTP, with or without TLS.
#pragma once

#include <curl/curl.h>

#include <map>
#include <memory>

#include "checks/check_kind.h"
#include "checks/event_loop.h"
#include "checks/http_transfer.h"
#include "schema/error.h"

namespace twobox {

/// Each check is an HttpTransfer; libcurl's multi handle runs them all on the event loop.
class HttpChecks final : public CheckKind {
 public:
  /// `loop` outlives it. Error: kUnavailable if libcurl can't be set up.
  static Result<std::unique_ptr<HttpChecks>> open(EventLoop& loop, OnOutcome on_outcome);
  HttpChecks(const HttpChecks&) = delete;
  HttpChecks& operator=(const HttpChecks&) = delete;
  ~HttpChecks() override;

  void begin(CheckId id, const CheckTarget& target) override;
  void give_up(CheckId id) override;

 private:
  struct CleanUpMulti {
    void operator()(CURLM* multi) const { ::curl_multi_cleanup(multi); }
  };
  struct UnderWay {
    std::unique_ptr<HttpTransfer> transfer;
    EventLoop::AlarmId deadline;
  };
  using Transfers = std::map<CheckId, UnderWay>;

  HttpChecks(EventLoop& loop, OnOutcome on_outcome);
  static int on_socket(CURL* easy, curl_socket_t fd, int what, void* self, void* of_socket);
  static int on_timer(CURLM* multi, long milliseconds, void* self);
  void act(curl_socket_t fd, int events);
  void not_connected(CheckId id, SteadyTime deadline);
  void time_is_up(CheckId id);
  std::unique_ptr<HttpTransfer> take(Transfers::iterator ended);

  EventLoop& loop_;
  OnOutcome on_outcome_;
  EventLoop::AlarmId timer_;
  std::unique_ptr<CURLM, CleanUpMulti> multi_;
  Transfers transfers_;  // ends before multi_
};

}  // namespace twobox
