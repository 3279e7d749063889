#include "reconciler/keepalived_check.h"

#include <algorithm>
#include <array>
#include <sstream>
#include <string_view>

#include "schema/duration.h"

namespace twobox {
namespace {

using std::chrono::milliseconds;

void set_seconds(const KeepalivedLine& line, milliseconds& value, KeepalivedNotes& notes) {
  if (const auto seconds = keepalived_seconds(line.word(1)))
    value = *seconds;
  else
    notes.not_understood(line, line.word(1));
}

/// A document's limits are its own.
milliseconds within(milliseconds value, milliseconds least, milliseconds most,
                    const KeepalivedLine& checker, const char* what, KeepalivedNotes& notes) {
  const milliseconds taken = std::clamp(value, least, most);
  if (taken != value)
    notes.add(checker, checker.keyword() + ": " + what + " of " + duration_text(value) +
                           " becomes " + duration_text(taken) + ", the document's limit");
  return taken;
}

/// "200" or "200-299"; a document has single statuses and whole classes.
std::optional<StatusRange> status_of(std::string_view text) {
  const std::size_t dash = std::min(text.find('-'), text.size());
  const auto first = keepalived_number(text.substr(0, dash), 100, 599);
  const auto last = dash < text.size() ? keepalived_number(text.substr(dash + 1), 100, 599) : first;
  if (!first || !last) return std::nullopt;
  if (first != last && (*first % 100 != 0 || *last != *first + 99)) return std::nullopt;
  return StatusRange{static_cast<std::uint16_t>(*first), static_cast<std::uint16_t>(*last)};
}

class CheckReader {
 public:
  CheckReader(const KeepalivedLine& checker, KeepalivedCheckDefaults defaults,
              KeepalivedNotes& notes)
      : checker_(checker), defaults_(std::move(defaults)), notes_(notes) {}

  std::optional<Check> read() {
    const std::string& kind = checker_.keyword();
    if (kind == "TCP_CHECK") return read_tcp();
    if (kind == "HTTP_GET" || kind == "SSL_GET") return read_http(kind == "SSL_GET");
    if (kind == "MISC_CHECK") return read_misc();
    notes_.add(checker_, kind + ": a document has no such check; left out");
    return std::nullopt;
  }

 private:
  std::optional<Check> read_tcp() {
    for (const KeepalivedLine& line : checker_.block)
      if (!take_common(line)) notes_.no_counterpart(line);
    return finish(TcpCheck{});
  }

  std::optional<Check> read_http(bool tls) {
    HttpCheck http;
    http.tls = tls;
    bool has_url = false;
    for (const KeepalivedLine& line : checker_.block) {
      if (line.keyword() == "url" && !has_url) {
        has_url = true;
        read_url(line, http);
      } else if (line.keyword() == "url") {
        notes_.add(line, "url: a document's check asks for one; left out");
      } else if (line.keyword() != "enable_sni" && !take_common(line)) {
        notes_.no_counterpart(line);
      }
    }
    if (!http.host) http.host = defaults_.virtualhost;
    return finish(std::move(http));
  }

  void read_url(const KeepalivedLine& url, HttpCheck& http) {
    for (const KeepalivedLine& line : url.block) {
      if (line.keyword() == "path" && line.word(1).starts_with('/'))
        http.path = line.word(1);
      else if (line.keyword() == "virtualhost")
        http.host = line.word(1);
      else if (line.keyword() == "status_code")
        read_statuses(line, http);
      else
        notes_.no_counterpart(line);
    }
  }

  void read_statuses(const KeepalivedLine& line, HttpCheck& http) {
    std::vector<StatusRange> statuses;
    for (std::size_t i = 1; i < line.words.size(); ++i) {
      if (const auto status = status_of(line.words[i]))
        statuses.push_back(*status);
      else
        notes_.not_understood(line, line.words[i]);
    }
    if (!statuses.empty()) http.statuses = std::move(statuses);
  }

  std::optional<Check> read_misc() {
    ExecCheck exec;
    timeout_ = defaults_.delay_loop;
    const KeepalivedLine* user = nullptr;
    for (const KeepalivedLine& line : checker_.block) {
      if (line.keyword() == "misc_path") {
        std::istringstream words(keepalived_rest(line));
        for (std::string word; words >> word;) exec.argv.push_back(word);
      } else if (line.keyword() == "misc_timeout") {
        set_seconds(line, timeout_.emplace(), notes_);
      } else if (line.keyword() == "user" && !line.word(1).empty()) {
        user = &line;
        exec.user = line.word(1);
      } else if (!take_common(line)) {
        notes_.no_counterpart(line);
      }
    }
    if (exec.argv.empty() || !exec.argv.front().starts_with('/')) {
      notes_.add(checker_, "MISC_CHECK: its program has no absolute path; left out");
      return std::nullopt;
    }
    if (user == nullptr)
      notes_.add(checker_,
                 "MISC_CHECK: twobox runs it as nobody, without a shell; the check's "
                 "\"user\" is for another");
    return finish(std::move(exec));
  }

  bool take_common(const KeepalivedLine& line) {
    if (line.keyword() != "connect_port") return defaults_.take(line, notes_);
    port_ = keepalived_port(line.word(1));
    if (!port_) notes_.not_understood(line, line.word(1));
    return true;
  }

  Check finish(decltype(Check::how) how) {
    constexpr milliseconds kShortest{10};
    constexpr milliseconds kLongest = std::chrono::minutes(1);
    Check check;
    check.how = std::move(how);
    check.port = port_;
    check.interval = within(defaults_.delay_loop, milliseconds(100), std::chrono::hours(1),
                            checker_, "delay_loop", notes_);
    if (timeout_) {
      check.timeout = within(*timeout_, kShortest, kLongest, checker_, "misc_timeout", notes_);
      check.connect_timeout = std::min(check.connect_timeout, check.timeout);
    } else {
      check.connect_timeout = within(defaults_.connect_timeout, kShortest, kLongest, checker_,
                                     "connect_timeout", notes_);
      check.timeout = std::max(check.timeout, check.connect_timeout);
    }
    check.rise = 1;
    const std::uint32_t usual = std::holds_alternative<ExecCheck>(check.how) ? 0 : 1;
    check.fall = 1 + defaults_.retry.value_or(usual);
    return check;
  }

  const KeepalivedLine& checker_;
  KeepalivedCheckDefaults defaults_;
  KeepalivedNotes& notes_;
  std::optional<Port> port_;
  std::optional<milliseconds> timeout_;
};

}  // namespace

bool KeepalivedCheckDefaults::take(const KeepalivedLine& line, KeepalivedNotes& notes) {
  const std::string& keyword = line.keyword();
  if (keyword == "delay_loop") {
    set_seconds(line, delay_loop, notes);
  } else if (keyword == "connect_timeout") {
    set_seconds(line, connect_timeout, notes);
  } else if (keyword == "retry" || keyword == "nb_get_retry") {
    if (const auto number = keepalived_number(line.word(1), 0, 999))
      retry = static_cast<std::uint32_t>(*number);
    else
      notes.not_understood(line, line.word(1));
  } else if (keyword == "virtualhost") {
    virtualhost = line.word(1);
  } else if (keyword == "delay_before_retry") {
    notes.add(line, "delay_before_retry: twobox asks again after the check's interval; left out");
  } else {
    return false;
  }
  return true;
}

bool is_keepalived_checker(const std::string& keyword) {
  constexpr std::array<std::string_view, 10> kCheckers = {
      "TCP_CHECK", "HTTP_GET",   "SSL_GET",   "MISC_CHECK", "UDP_CHECK",
      "DNS_CHECK", "SMTP_CHECK", "BFD_CHECK", "PING_CHECK", "FILE_CHECK"};
  return std::ranges::find(kCheckers, keyword) != kCheckers.end();
}

std::optional<Check> read_keepalived_check(const KeepalivedLine& checker,
                                           KeepalivedCheckDefaults defaults,
                                           KeepalivedNotes& notes) {
  return CheckReader(checker, std::move(defaults), notes).read();
}

}  // namespace twobox
