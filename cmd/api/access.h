// Who may call at all. On a unix socket the file's mode has decided that already.
#pragma once

#include <optional>
#include <string>

#include "http/message.h"

namespace twobox {

/// What TCP asks of a client beside the TLS that its listener speaks.
struct AccessPolicy {
  std::string token_file;            // "": no token is asked for
  bool client_certificates = false;  // TLS has looked at them
};

constexpr std::size_t kMinTokenBytes = 16;

/// The token in a file, without white space around it; read for each call, so that it can be
/// changed at any time. nullopt if it can't be read or is shorter than kMinTokenBytes.
std::optional<std::string> read_token(const std::string& file);

enum class TokenNeed { kNone, kBearer };

/// nullopt: welcome. On TCP: 400 without a Host; 403 for a name that is not this machine's, as a
/// web page that lets its own name point here would send (nothing else protects a server that asks
/// for no token), and for the Origin of another site; 401 without the token.
std::optional<HttpAnswer> refuse_stranger(const HttpRequest& request, const AccessPolicy& policy,
                                          TokenNeed need);

}  // namespace twobox
