// Addresses to listen on, and their sockets.
#pragma once

#include <memory>
#include <string>

#include "backends/file_descriptor.h"
#include "http/message.h"
#include "http/tls.h"
#include "schema/error.h"

namespace twobox {

/// "unix:PATH" or "HOST:PORT".
struct ListenAddress {
  std::string host_or_path;
  int port = 0;  // 0: a unix socket
  bool loopback = true;
};
/// Error: kInvalidDocument, in words for the user.
Result<ListenAddress> parse_listen_address(const std::string& text);

/// A socket that takes calls. A unix socket's file goes with it.
class Listener {
 public:
  /// A unix socket gets mode 0660; one that nobody listens on is replaced. `tls` is for TCP: null
  /// is plain. Error: kUnavailable with errno if the address is taken or can't be bound.
  static Result<Listener> open(const ListenAddress& address, std::shared_ptr<const TlsContext> tls);
  Listener(Listener&&) noexcept = default;
  Listener& operator=(Listener&&) = delete;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();

  int fd() const { return fd_.get(); }
  Entrance entrance() const;
  /// The channel of an accepted socket; null if TLS finds no memory.
  std::unique_ptr<Channel> channel(FileDescriptor fd) const;

 private:
  Listener(FileDescriptor fd, std::string path, std::shared_ptr<const TlsContext> tls);

  FileDescriptor fd_;
  std::string path_;  // of a unix socket
  std::shared_ptr<const TlsContext> tls_;
};

}  // namespace twobox
