// HTTP over unix and TCP sockets: door -> workers -> httplib's parser -> HttpService.
#pragma once

#include <memory>
#include <vector>

#include "http/door.h"
#include "http/listener.h"
#include "http/message.h"

namespace twobox {

/// Calls whose answer never ends, at once.
constexpr std::size_t kMaxWatchers = 128;

/// One call for each connection, which is closed after the answer. Serves until it is destroyed, on
/// threads of its own.
class HttpServer {
 public:
  /// `service` outlives the server. Error: kUnavailable.
  static Result<std::unique_ptr<HttpServer>> start(std::vector<Listener> listeners,
                                                   const HttpService& service);
  virtual ~HttpServer() = default;
};

}  // namespace twobox
