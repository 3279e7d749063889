// TLS over an accepted socket, by OpenSSL.
#pragma once

#include <memory>
#include <string>

#include "http/channel.h"
#include "schema/error.h"

namespace twobox {

/// PEM files.
struct TlsFiles {
  std::string certificate;  // with its chain
  std::string key;
  std::string client_authority;  // "": clients need no certificate
};

/// Read once, then shared by all connections. Thread-safe.
class TlsContext {
 public:
  /// Error: kUnavailable in OpenSSL's words, with the file's name.
  static Result<std::shared_ptr<const TlsContext>> open(const TlsFiles& files);
  virtual ~TlsContext() = default;

  /// The handshake happens with the first bytes that are read.
  virtual std::unique_ptr<Channel> accept(FileDescriptor fd) const = 0;
};

}  // namespace twobox
