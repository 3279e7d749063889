#include "checks/http_transfer.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "checks/cause.h"

namespace twobox {
namespace {

/// libcurl looks at the clock before it looks at the socket, so that an answer which is there would
/// be too late on a machine under load. The deadlines are HttpChecks' own.
constexpr long kNever = 24L * 3600;  // seconds

std::string wanted(const std::vector<StatusRange>& ranges) {
  std::string text;
  for (const StatusRange& range : ranges) {
    if (!text.empty()) text += ", ";
    text += std::to_string(range.first);
    if (range.last != range.first) text += "-" + std::to_string(range.last);
  }
  return text;
}

std::string scheme(const HttpCheck& check) {
  return check.tls ? "https://" : "http://";
}

/// Without the port, unless it is not the scheme's own, as browsers do.
std::string host_of(const HttpCheck& check, const IpAddress& address, Port port) {
  const std::string endpoint = endpoint_text(address, port.host_order());
  return port.host_order() == (check.tls ? 443 : 80) ? endpoint.substr(0, endpoint.rfind(':'))
                                                     : endpoint;
}

}  // namespace

std::optional<std::string> complaint_about(const HttpCheck& check, long status,
                                           std::string_view body) {
  const bool accepted = std::ranges::any_of(check.statuses, [status](const StatusRange& range) {
    return range.first <= status && status <= range.last;
  });
  if (!accepted) return "status " + std::to_string(status) + ", wanted " + wanted(check.statuses);
  if (check.body && body.find(*check.body) == std::string_view::npos)
    return "'" + printable(*check.body) + "' is not in the answer's first " +
           std::to_string(body.size()) + " bytes";
  return std::nullopt;
}

HttpTransfer::HttpTransfer(const Libcurl& curl, CheckId id, const CheckTarget& target)
    : curl_(curl),
      id_(id),
      check_(std::get<HttpCheck>(target.check.how)),
      server_(endpoint_text(target.address, target.port.host_order())),
      url_(scheme(check_) + server_ + check_.path),
      default_host_(host_of(check_, target.address, target.port)),
      connect_timeout_(std::min(target.check.connect_timeout, target.check.timeout)),
      timeout_(target.check.timeout),
      headers_(nullptr, curl.slist_free_all),
      connect_to_(nullptr, curl.slist_free_all),
      easy_(curl.easy_init(), curl.easy_cleanup) {}

HttpTransfer& HttpTransfer::of(const Libcurl& curl, CURL* easy) {
  char* transfer = nullptr;
  curl.easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
  return *reinterpret_cast<HttpTransfer*>(transfer);
}

template <typename Value>
bool HttpTransfer::set(CURLoption option, Value value) {
  return curl_.easy_setopt(easy_.get(), option, value) == CURLE_OK;
}

bool HttpTransfer::append(List& list, const std::string& line) const {
  curl_slist* const longer = curl_.slist_append(list.get(), line.c_str());
  if (longer == nullptr) return false;
  static_cast<void>(list.release());  // it is part of the longer one
  list.reset(longer);
  return true;
}

std::optional<CheckOutcome> HttpTransfer::set_up() {
  if (easy_ == nullptr || !set(CURLOPT_PRIVATE, this) || !set(CURLOPT_ERRORBUFFER, error_.data()) ||
      !set_request() || !set_limits() || !set_tls())
    return not_made("GET " + url_ + ": libcurl can't be set up for it");
  return std::nullopt;
}

/// The name that TLS asks for, without a port.
std::string HttpTransfer::server_name() const {
  if (check_.server_name) return *check_.server_name;
  const std::string host = check_.host.value_or(default_host_);
  return host.substr(0, host.starts_with('[') ? host.find(']') + 1 : host.find(':'));
}

/// libcurl takes the name for TLS from the URL, and where to connect to from another option.
bool HttpTransfer::set_request() {
  const std::string url = scheme(check_) + server_name() + check_.path;
  return append(headers_, "Host: " + check_.host.value_or(default_host_)) &&
         append(headers_, "Connection: close") && append(connect_to_, "::" + server_) &&
         set(CURLOPT_URL, url.c_str()) && set(CURLOPT_PATH_AS_IS, 1L) &&
         set(CURLOPT_CONNECT_TO, connect_to_.get()) && set(CURLOPT_NOPROXY, "*") &&
         set(CURLOPT_HTTPHEADER, headers_.get()) &&
         set(CURLOPT_USERAGENT, "twobox/" TWOBOX_VERSION " (health check)") &&
         set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
}

bool HttpTransfer::set_limits() {
  return set(CURLOPT_PROTOCOLS_STR, check_.tls ? "https" : "http") &&
         set(CURLOPT_FRESH_CONNECT, 1L) && set(CURLOPT_FORBID_REUSE, 1L) &&
         set(CURLOPT_NOSIGNAL, 1L) && set(CURLOPT_CONNECTTIMEOUT, kNever) &&
         set(CURLOPT_OPENSOCKETFUNCTION, &HttpTransfer::open_socket) &&
         set(CURLOPT_OPENSOCKETDATA, this) && set(CURLOPT_WRITEFUNCTION, &HttpTransfer::on_body) &&
         set(CURLOPT_WRITEDATA, this);
}

bool HttpTransfer::set_tls() {
  if (!check_.tls) return true;
  if (!set(CURLOPT_SSL_SESSIONID_CACHE, 0L)) return false;
  if (check_.verify) return true;
  // The authorities are not needed then, and reading them takes milliseconds.
  return set(CURLOPT_SSL_VERIFYPEER, 0L) && set(CURLOPT_SSL_VERIFYHOST, 0L) &&
         set(CURLOPT_CAINFO, nullptr) && set(CURLOPT_CAPATH, nullptr);
}

curl_socket_t HttpTransfer::open_socket(void* self, curlsocktype, curl_sockaddr* address) {
  const int fd = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (fd >= 0) return fd;
  static_cast<HttpTransfer*>(self)->socket_errno_ = errno;
  return CURL_SOCKET_BAD;
}

std::size_t HttpTransfer::on_body(char* bytes, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<HttpTransfer*>(self);
  const std::size_t room = kMostBodyBytes - transfer.body_.size();
  transfer.body_.append(bytes, std::min(size * count, room));
  transfer.cut_off_ = size * count > room;
  return transfer.cut_off_ ? 0 : size * count;  // 0 ends the transfer
}

CheckOutcome HttpTransfer::outcome(CURLcode code) const {
  const std::string asking = "GET " + url_;
  if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && cut_off_)) {
    long status = 0;
    curl_.easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    const auto complaint = complaint_about(check_, status, body_);
    return complaint ? failed(asking + ": " + *complaint) : passed();
  }
  if (socket_errno_ != 0) return refused_with(socket_errno_, asking);
  long os_errno = 0;
  curl_.easy_getinfo(easy_.get(), CURLINFO_OS_ERRNO, &os_errno);
  if (code == CURLE_COULDNT_CONNECT && os_errno != 0)
    return refused_with(static_cast<int>(os_errno), asking);
  if (code == CURLE_OUT_OF_MEMORY) return not_made(asking + ": out of memory");
  return failed(asking + ": " +
                printable(error_.front() != '\0' ? error_.data() : curl_.easy_strerror(code)));
}

bool HttpTransfer::is_connected() const {
  curl_off_t microseconds = 0;
  curl_.easy_getinfo(easy_.get(), check_.tls ? CURLINFO_APPCONNECT_TIME_T : CURLINFO_CONNECT_TIME_T,
                     &microseconds);
  return microseconds != 0;
}

CheckOutcome HttpTransfer::too_late() const {
  return failed("GET " + url_ +
                (is_connected() ? ": no whole answer within " + in_words(timeout_)
                                : ": no connection within " + in_words(connect_timeout_)));
}

}  // namespace twobox
