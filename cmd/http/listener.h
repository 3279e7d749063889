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
  friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};
/// Error: kInvalidDocument, in words for the user.
Result<ListenAddress> parse_listen_address(const std::string& text);

/// Where a socket listens, by getsockname(2). Error: kUnavailable (EINVAL) if it is no stream
/// socket that listens on unix, IPv4 or IPv6.
Result<ListenAddress> address_of_listening(int fd);

/// A socket that takes calls. The file of a unix socket that was opened here goes with it.
class Listener {
 public:
  /// A unix socket gets mode 0660; one that nobody listens on is replaced. `tls` is for TCP: null
  /// is plain. Error: kUnavailable with errno if the address is taken or can't be bound.
  static Result<Listener> open(const ListenAddress& address, std::shared_ptr<const TlsContext> tls);
  /// Takes over a socket that somebody else opened at `address` and has to look after: its mode and
  /// its file stay as they are.
  static Listener adopt(FileDescriptor fd, const ListenAddress& address,
                        std::shared_ptr<const TlsContext> tls);
  Listener(Listener&&) noexcept = default;
  Listener& operator=(Listener&&) = delete;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();

  int fd() const { return fd_.get(); }
  Entrance entrance() const { return entrance_; }
  /// The channel of an accepted socket; null if TLS finds no memory.
  std::unique_ptr<Channel> channel(FileDescriptor fd) const;

 private:
  Listener(FileDescriptor fd, const ListenAddress& address, std::shared_ptr<const TlsContext> tls);

  FileDescriptor fd_;
  Entrance entrance_;
  std::string own_file_;  // to be removed; "": none
  std::shared_ptr<const TlsContext> tls_;
};

}  // namespace twobox
