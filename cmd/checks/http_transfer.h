// One HTTP request and its answer.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "checks/check_kind.h"
#include "checks/libcurl.h"

namespace twobox {

constexpr std::size_t kMostBodyBytes = std::size_t{64} * 1024;

/// Pure: what is wrong with an answer that came whole, of which `body` is the first kMostBodyBytes;
/// nothing if nothing is.
std::optional<std::string> complaint_about(const HttpCheck& check, long status,
                                           std::string_view body);

/// A connection of its own to the server's address: no name is resolved, no proxy asked, no
/// redirect followed. The server is asked to close; what it sends beyond kMostBodyBytes is cut off.
class HttpTransfer {
 public:
  /// `target.check` is an HttpCheck.
  HttpTransfer(const Libcurl& curl, CheckId id, const CheckTarget& target);
  HttpTransfer(const HttpTransfer&) = delete;
  HttpTransfer& operator=(const HttpTransfer&) = delete;
  ~HttpTransfer() = default;

  /// Ready for a multi handle when it gives nothing; else the outcome.
  std::optional<CheckOutcome> set_up();

  /// The transfer that set_up() made `easy` ready for.
  static HttpTransfer& of(const Libcurl& curl, CURL* easy);

  CheckId id() const { return id_; }
  CURL* easy() const { return easy_.get(); }

  bool is_connected() const;  // and, with TLS, has shaken hands

  /// What it came to, after libcurl has done with it.
  CheckOutcome outcome(CURLcode code) const;
  /// What it is to be given up for when its time, or that for connecting, is up.
  CheckOutcome too_late() const;

 private:
  using List = std::unique_ptr<curl_slist, decltype(&::curl_slist_free_all)>;

  template <typename Value>
  bool set(CURLoption option, Value value);
  bool append(List& list, const std::string& line) const;
  static curl_socket_t open_socket(void* self, curlsocktype purpose, curl_sockaddr* address);
  static std::size_t on_body(char* bytes, std::size_t size, std::size_t count, void* self);
  bool set_request();
  bool set_limits();
  bool set_tls();
  std::string server_name() const;

  const Libcurl& curl_;
  const CheckId id_;
  const HttpCheck check_;
  const std::string server_;  // "172.16.0.31:80"
  const std::string url_;     // as shown: the server's address and the path
  const std::string default_host_;
  const std::chrono::milliseconds connect_timeout_;
  const std::chrono::milliseconds timeout_;
  List headers_;
  List connect_to_;
  std::unique_ptr<CURL, decltype(&::curl_easy_cleanup)> easy_;  // ends before what it refers to
  std::array<char, CURL_ERROR_SIZE> error_{};
  int socket_errno_ = 0;  // why there is no socket
  std::string body_;
  bool cut_off_ = false;
};

}  // namespace twobox
