#include <algorithm>
#include <array>

#include "schema/document_reading.h"
#include "schema/field_types.h"

namespace twobox {
namespace {

using std::chrono::milliseconds;

// One check of a long list must end before anybody waits for it in vain.
constexpr DurationRange kIntervalRange{milliseconds(100), std::chrono::hours(1)};
constexpr DurationRange kTimeoutRange{milliseconds(10), std::chrono::minutes(1)};

bool is_visible(char c) {
  return c > 0x20 && c < 0x7f;
}

/// Text of visible ASCII characters that satisfies `allows`.
template <typename Allows>
std::optional<std::string> read_visible(const Field& field, std::size_t max_size,
                                        std::string_view allowed, Allows allows) {
  const std::string* const text = field.text(allowed);
  if (text == nullptr) return std::nullopt;
  if (!text->empty() && text->size() <= max_size && std::ranges::all_of(*text, is_visible) &&
      allows(*text))
    return *text;
  field.refuse(allowed);
  return std::nullopt;
}

std::optional<std::string> read_url_path(const Field& field) {
  return read_visible(
      field, 2048, "a path that begins with '/', of at most 2048 visible ASCII characters, no '#'",
      [](const std::string& text) {
        return text.starts_with('/') && text.find('#') == std::string::npos;
      });
}

bool is_in_host(char c) {
  return is_in_name(c) || c == ':' || c == '[' || c == ']';
}

std::optional<std::string> read_host(const Field& field) {
  return read_visible(
      field, 255, "a host, with its port if it has one, such as \"www.example.org:8080\"",
      [](const std::string& text) { return std::ranges::all_of(text, is_in_host); });
}

std::optional<std::string> read_server_name(const Field& field) {
  return read_visible(
      field, 253, "a DNS name, such as \"www.example.org\"",
      [](const std::string& text) { return std::ranges::all_of(text, is_in_name); });
}

std::optional<StatusRange> read_status(const Field& field) {
  if (const auto* const number = field.whole_number_if();
      number != nullptr && *number >= 100 && *number <= 599) {
    const auto status = static_cast<std::uint16_t>(*number);
    return StatusRange{status, status};
  }
  const std::string* const text = field.text_if();
  if (text != nullptr && text->size() == 3 && text->ends_with("xx") && (*text)[0] >= '1' &&
      (*text)[0] <= '5') {
    const auto first = static_cast<std::uint16_t>(100 * ((*text)[0] - '0'));
    return StatusRange{first, static_cast<std::uint16_t>(first + 99)};
  }
  field.refuse("a whole number from 100 to 599, or a class such as \"2xx\"");
  return std::nullopt;
}

HttpCheck read_http(ObjectReader& object, bool tls) {
  HttpCheck http;
  http.tls = tls;
  if (const auto path = object.optional("path"))
    http.path = read_url_path(*path).value_or(http.path);
  if (const auto host = object.optional("host")) http.host = read_host(*host);
  if (const auto status = object.optional("status"))
    http.statuses =
        read_list(*status, "an array of one or more HTTP statuses", StatusRange{}, read_status);
  if (const auto body = object.optional("body"))
    http.body = read_plain_text(*body, 1024, "1 to 1024 characters, none a control character");
  if (!tls) return http;
  if (const auto name = object.optional("server_name")) http.server_name = read_server_name(*name);
  if (const auto verify = object.optional("verify"))
    http.verify = verify->boolean().value_or(false);
  return http;
}

std::optional<std::string> read_argument(const Field& field) {
  return read_plain_text(field, 4095, "1 to 4095 characters, none a control character");
}

std::vector<std::string> read_argv(const Field& field) {
  constexpr std::string_view kAllowed =
      "an array of 1 to 64 texts, the first of them a program's absolute path";
  const JsonArray* const array = field.array(kAllowed);
  if (array == nullptr) return {};
  if (array->empty() || array->size() > 64) field.refuse(kAllowed);
  std::vector<std::string> argv;
  for (std::size_t i = 0; i < array->size(); ++i) {
    const Field word = field.element(*array, i);
    argv.push_back((i == 0 ? read_absolute_path(word) : read_argument(word)).value_or(""));
  }
  return argv;
}

std::optional<std::string> read_user(const Field& field) {
  return read_visible(field, 32, "a user's name of at most 32 letters, digits, '.', '_' and '-'",
                      [](const std::string& text) {
                        return text.front() != '-' && text.front() != '.' &&
                               std::ranges::all_of(text, is_in_name);
                      });
}

ExecCheck read_exec(ObjectReader& object) {
  ExecCheck exec;
  exec.argv = read_argv(object.required("argv"));
  if (const auto user = object.optional("user")) exec.user = read_user(*user).value_or(exec.user);
  return exec;
}

enum class CheckType { kTcp, kHttp, kHttps, kExec, kFile };

void read_port_of(ObjectReader& object, Check& check) {
  if (const auto port = object.optional("port")) check.port = read_port(*port);
}

/// Who sets one of the two does not have to mend the other.
void read_timeouts(ObjectReader& object, bool connects, Check& check) {
  std::optional<milliseconds> connect;
  if (connects)
    if (const auto field = object.optional("connect_timeout"))
      connect = read_duration(*field, kTimeoutRange);
  std::optional<milliseconds> whole;
  if (const auto field = object.optional("timeout")) whole = read_duration(*field, kTimeoutRange);
  check.connect_timeout =
      connect.value_or(std::min(check.connect_timeout, whole.value_or(check.timeout)));
  check.timeout = whole.value_or(std::max(check.timeout, check.connect_timeout));
}

void read_connection(ObjectReader& object, Check& check) {
  read_port_of(object, check);
  if (const auto through_vip = object.optional("through_vip"))
    check.through_vip = through_vip->boolean().value_or(false);
  read_timeouts(object, /*connects=*/true, check);
}

void read_how(ObjectReader& object, CheckType type, Check& check) {
  switch (type) {
    case CheckType::kTcp:
      read_connection(object, check);
      return;
    case CheckType::kHttp:
    case CheckType::kHttps:
      check.how = read_http(object, type == CheckType::kHttps);
      read_connection(object, check);
      return;
    case CheckType::kExec:
      check.how = read_exec(object);
      read_port_of(object, check);
      read_timeouts(object, /*connects=*/false, check);
      return;
    case CheckType::kFile:
      check.how = FileCheck{read_absolute_path(object.required("path")).value_or("")};
      return;
  }
}

void read_rhythm(ObjectReader& object, Check& check) {
  if (const auto interval = object.optional("interval"))
    check.interval = read_duration(*interval, kIntervalRange).value_or(check.interval);
  if (const auto rise = object.optional("rise"))
    check.rise = read_number<std::uint32_t>(*rise, 1, 1000).value_or(check.rise);
  if (const auto fall = object.optional("fall"))
    check.fall = read_number<std::uint32_t>(*fall, 1, 1000).value_or(check.fall);
  if (const auto jitter = object.optional("jitter"))
    check.jitter = read_number<std::uint32_t>(*jitter, 0, 100).value_or(check.jitter);
}

}  // namespace

Check read_check(const Field& field) {
  constexpr std::array<Word<CheckType>, 5> kTypes{{{"tcp", CheckType::kTcp},
                                                   {"http", CheckType::kHttp},
                                                   {"https", CheckType::kHttps},
                                                   {"exec", CheckType::kExec},
                                                   {"file", CheckType::kFile}}};
  Check check;
  auto object = ObjectReader::open(field);
  if (!object) return check;
  const auto type = read_word(object->required("type"), kTypes);
  read_rhythm(*object, check);
  // Which of the other keys are right depends on the type, so without one none is called wrong.
  if (!type) return check;
  read_how(*object, *type, check);
  object->refuse_others();
  return check;
}

}  // namespace twobox
