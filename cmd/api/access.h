// Who may call at all. On a unix socket the file's mode has decided that already.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "http/message.h"

namespace twobox {

/// What TCP asks of a client beside the TLS that its listener speaks.
struct AccessPolicy {
  /// The token to bring, asked for at each call; it gives nullopt when there is none to be had, and
  /// then nobody is let in. Empty: no token is asked for.
  std::function<std::optional<std::string>()> token;
  bool client_certificates = false;  // TLS has looked at them
};

enum class TokenNeed { kNone, kBearer };

/// nullopt: welcome. On TCP: 400 without a Host; 403 for a name that is not this machine's, as a
/// web page that lets its own name point here would send (nothing else protects a server that asks
/// for no token), and for the Origin of another site; 401 without the token.
std::optional<HttpAnswer> refuse_stranger(const HttpRequest& request, const AccessPolicy& policy,
                                          TokenNeed need);

}  // namespace twobox
