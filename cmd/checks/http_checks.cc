#include "checks/http_checks.h"

#include <algorithm>
#include <cerrno>

#include "checks/cause.h"

namespace twobox {

HttpChecks::HttpChecks(EventLoop& loop, OnOutcome on_outcome)
    : loop_(loop), on_outcome_(std::move(on_outcome)) {}

/// Error: kUnavailable.
Status HttpChecks::set_up() {
  if (multi_ != nullptr) return success();
  const auto curl = libcurl();
  if (!curl) return curl.error();
  curl_ = *curl;
  multi_ = {curl_->multi_init(), curl_->multi_cleanup};
  if (multi_ == nullptr)
    return Error{ErrorKind::kUnavailable, ENOMEM, "libcurl can't be set up: out of memory"};
  curl_->multi_setopt(multi_.get(), CURLMOPT_SOCKETFUNCTION, &HttpChecks::on_socket);
  curl_->multi_setopt(multi_.get(), CURLMOPT_SOCKETDATA, this);
  curl_->multi_setopt(multi_.get(), CURLMOPT_TIMERFUNCTION, &HttpChecks::on_timer);
  curl_->multi_setopt(multi_.get(), CURLMOPT_TIMERDATA, this);
  return success();
}

HttpChecks::~HttpChecks() {
  while (!transfers_.empty()) give_up(transfers_.begin()->first);
  loop_.cancel(timer_);
}

void HttpChecks::begin(CheckId id, const CheckTarget& target) {
  if (const Status ready = set_up(); !ready)
    return on_outcome_(id, not_made(ready.error().message));
  auto transfer = std::make_unique<HttpTransfer>(*curl_, id, target);
  if (const auto fault = transfer->set_up()) return on_outcome_(id, *fault);
  if (curl_->multi_add_handle(multi_.get(), transfer->easy()) != CURLM_OK)
    return on_outcome_(id, not_made("libcurl takes no further request"));
  const SteadyTime now = std::chrono::steady_clock::now();
  const SteadyTime deadline = now + target.check.timeout;
  const auto alarm = loop_.alarm(std::min(now + target.check.connect_timeout, deadline),
                                 [this, id, deadline] { not_connected(id, deadline); });
  transfers_.emplace(id, UnderWay{std::move(transfer), alarm});
}

void HttpChecks::not_connected(CheckId id, SteadyTime deadline) {
  UnderWay& under_way = transfers_.at(id);
  if (!under_way.transfer->is_connected()) return time_is_up(id);
  under_way.deadline = loop_.alarm(deadline, [this, id] { time_is_up(id); });
}

void HttpChecks::time_is_up(CheckId id) {
  const auto late = take(transfers_.find(id));
  on_outcome_(id, late->too_late());
}

std::unique_ptr<HttpTransfer> HttpChecks::take(Transfers::iterator ended) {
  auto transfer = std::move(ended->second.transfer);
  loop_.cancel(ended->second.deadline);
  transfers_.erase(ended);
  curl_->multi_remove_handle(multi_.get(), transfer->easy());
  return transfer;
}

void HttpChecks::give_up(CheckId id) {
  if (const auto transfer = transfers_.find(id); transfer != transfers_.end()) take(transfer);
}

int HttpChecks::on_socket(CURL*, curl_socket_t fd, int what, void* self, void*) {
  auto& checks = *static_cast<HttpChecks*>(self);
  // libcurl says so before it closes the descriptor.
  if (what == CURL_POLL_REMOVE) {
    checks.loop_.forget(fd);
    return 0;
  }
  const std::uint32_t events =
      ((what & CURL_POLL_IN) != 0 ? EPOLLIN : 0U) | ((what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0U);
  const Status watched = checks.loop_.watch(fd, events, [&checks, fd](std::uint32_t seen) {
    checks.act(fd, ((seen & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                       ((seen & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                       ((seen & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0));
  });
  // One that can't be watched runs into its timeout.
  static_cast<void>(watched);
  return 0;
}

int HttpChecks::on_timer(CURLM*, long milliseconds, void* self) {
  auto& checks = *static_cast<HttpChecks*>(self);
  checks.loop_.cancel(checks.timer_);
  checks.timer_ = {};
  if (milliseconds >= 0)
    checks.timer_ = checks.loop_.alarm(
        std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds),
        [&checks] { checks.act(CURL_SOCKET_TIMEOUT, 0); });
  return 0;
}

void HttpChecks::act(curl_socket_t fd, int events) {
  int running = 0;
  curl_->multi_socket_action(multi_.get(), fd, events, &running);
  int waiting = 0;
  while (const CURLMsg* const message = curl_->multi_info_read(multi_.get(), &waiting)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    const auto ended = take(transfers_.find(HttpTransfer::of(*curl_, message->easy_handle).id()));
    on_outcome_(ended->id(), ended->outcome(code));
  }
}

}  // namespace twobox
