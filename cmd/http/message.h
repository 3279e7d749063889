// One call and its answer, apart from sockets and from the library that parses them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace twobox {

/// How a call came in.
enum class Entrance : std::uint8_t { kUnix, kTcp, kTls };

struct HttpRequest {
  Entrance entrance = Entrance::kUnix;
  std::string method;
  std::string path;                                // decoded, without the query
  std::multimap<std::string, std::string> query;   // decoded
  std::multimap<std::string, std::string> header;  // names in lower case
  std::string body;

  /// The first of that name (in lower case); nullopt if there is none.
  std::optional<std::string> header_value(const std::string& name) const;
};

/// The next piece of an endless body. "": nothing yet, ask again; nullopt: it ends here. It may
/// block for half a second, not longer: the connection is looked after in between.
using MoreBody = std::function<std::optional<std::string>()>;

struct HttpAnswer {
  int status = 200;
  std::string type;  // of the body
  std::string body;
  std::vector<std::pair<std::string, std::string>> header;  // beside Content-Type and -Length
  MoreBody more;                                            // in place of a body
};

/// The answer as bytes, for a call that nobody parsed.
std::string raw_answer(const HttpAnswer& answer);

/// What answers. Called from many threads at once.
class HttpService {
 public:
  virtual ~HttpService() = default;

  /// Before the body is read: nullopt to read it, or the answer without it.
  virtual std::optional<HttpAnswer> refuse(const HttpRequest& request) const = 0;
  /// With the whole body.
  virtual HttpAnswer answer(const HttpRequest& request) const = 0;
  /// An answer that the transport needs by itself, such as 413.
  virtual HttpAnswer fault(int status, const std::string& detail) const = 0;
  /// The answer to a path never ends, so that it gets a thread which others don't wait for.
  virtual bool is_endless(const std::string& path) const = 0;
  /// Bytes that a body may have.
  virtual std::size_t max_body() const = 0;
};

}  // namespace twobox
