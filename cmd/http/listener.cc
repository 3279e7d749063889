#include "http/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

#include "schema/net.h"

namespace twobox {
namespace {

constexpr std::size_t kMaxSocketPath = sizeof(sockaddr_un::sun_path) - 1;  // and the closing NUL
constexpr int kBacklog = 256;

Error bad_address(const std::string& text, const std::string& why) {
  return {ErrorKind::kInvalidDocument, 0, "listen address '" + text + "': " + why};
}

Error cannot_listen(const std::string& where) {
  const int code = errno;
  return {ErrorKind::kUnavailable, code, "listen on " + where + ": " + std::strerror(code)};
}

FileDescriptor stream_socket(int family) {
  return FileDescriptor(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

sockaddr_un unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, kMaxSocketPath);
  return address;
}

/// A daemon that hangs still has its socket, so that it listens is enough. EAGAIN: it listens, and
/// its queue is full.
bool somebody_listens(const sockaddr_un& address) {
  const FileDescriptor fd = stream_socket(AF_UNIX);
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ||
         errno == EAGAIN;
}

Result<FileDescriptor> listen_unix(const std::string& path) {
  const std::string where = "unix:" + path;
  std::error_code ignored;  // the bind below says what is wrong
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
  const sockaddr_un address = unix_address(path);
  if (somebody_listens(address))
    return Error{ErrorKind::kUnavailable, EADDRINUSE,
                 "listen on " + where + ": another process serves it"};
  if (std::filesystem::is_socket(path, ignored)) ::unlink(path.c_str());
  FileDescriptor fd = stream_socket(AF_UNIX);
  // By umask, so that there is no moment at which others may connect.
  const mode_t before = ::umask(0117);
  const int bound = ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  const int code = errno;
  ::umask(before);
  errno = code;
  if (bound != 0 || ::listen(fd.get(), kBacklog) != 0) return cannot_listen(where);
  return fd;
}

template <typename Address>
Result<FileDescriptor> listen_tcp(const Address& address, int family, const std::string& where) {
  FileDescriptor fd = stream_socket(family);
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (family == AF_INET6) ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      ::listen(fd.get(), kBacklog) != 0)
    return cannot_listen(where);
  return fd;
}

Result<FileDescriptor> listen_tcp(const ListenAddress& address) {
  const std::string where = address.host_or_path + ":" + std::to_string(address.port);
  const auto port = htons(static_cast<std::uint16_t>(address.port));
  sockaddr_in v4{};
  if (::inet_pton(AF_INET, address.host_or_path.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = port;
    return listen_tcp(v4, AF_INET, where);
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = port;
  if (::inet_pton(AF_INET6, address.host_or_path.c_str(), &v6.sin6_addr) != 1) {
    errno = EINVAL;
    return cannot_listen(where);
  }
  return listen_tcp(v6, AF_INET6, where);
}

}  // namespace

Result<ListenAddress> parse_listen_address(const std::string& text) {
  constexpr std::string_view kUnix = "unix:";
  if (text.starts_with(kUnix)) {
    const std::string path = text.substr(kUnix.size());
    if (!path.starts_with('/')) return bad_address(text, "the path must be absolute");
    if (path.size() > kMaxSocketPath)
      return bad_address(text,
                         "the path may have at most " + std::to_string(kMaxSocketPath) + " bytes");
    return ListenAddress{path, 0, true};
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return bad_address(text, "allowed are unix:PATH and HOST:PORT");
  std::string host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const auto address = IpAddress::parse(host);
  if (!address) return bad_address(text, "HOST must be an address");
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + colon + 1, end, port);
  if (parsed.ec != std::errc{} || parsed.ptr != end || port == 0)
    return bad_address(text, "PORT must be a number from 1 to 65535");
  return ListenAddress{host, port, address->is_loopback()};
}

Result<ListenAddress> address_of_listening(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  int listens = 0;
  socklen_t listens_length = sizeof(listens);
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0 ||
      ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &listens_length) != 0 || listens == 0)
    return Error{ErrorKind::kUnavailable, EINVAL, "it is no socket that listens"};
  if (address.ss_family == AF_UNIX)
    return ListenAddress{reinterpret_cast<const sockaddr_un&>(address).sun_path, 0, true};
  std::array<char, INET6_ADDRSTRLEN> text{};
  const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  const bool is_v4 = address.ss_family == AF_INET;
  const void* const bytes =
      is_v4 ? static_cast<const void*>(&v4.sin_addr) : static_cast<const void*>(&v6.sin6_addr);
  if (::inet_ntop(address.ss_family, bytes, text.data(), text.size()) == nullptr)
    return Error{ErrorKind::kUnavailable, EINVAL, "it is neither unix, IPv4 nor IPv6"};
  const auto host = IpAddress::parse(text.data());
  return ListenAddress{text.data(), ntohs(is_v4 ? v4.sin_port : v6.sin6_port),
                       host.has_value() && host->is_loopback()};
}

namespace {

Entrance entrance_at(const ListenAddress& address, bool with_tls) {
  if (address.port == 0) return Entrance::kUnix;
  return with_tls ? Entrance::kTls : Entrance::kTcp;
}

}  // namespace

Listener::Listener(FileDescriptor fd, const ListenAddress& address,
                   std::shared_ptr<const TlsContext> tls)
    : fd_(std::move(fd)),
      entrance_(entrance_at(address, tls != nullptr)),
      tls_(entrance_ == Entrance::kTls ? std::move(tls) : nullptr) {}

Listener::~Listener() {
  if (fd_.is_open() && !own_file_.empty()) ::unlink(own_file_.c_str());
}

Result<Listener> Listener::open(const ListenAddress& address,
                                std::shared_ptr<const TlsContext> tls) {
  const bool is_unix = address.port == 0;
  auto fd = is_unix ? listen_unix(address.host_or_path) : listen_tcp(address);
  if (!fd) return fd.error();
  Listener listener(*std::move(fd), address, std::move(tls));
  if (is_unix) listener.own_file_ = address.host_or_path;
  return listener;
}

Listener Listener::adopt(FileDescriptor fd, const ListenAddress& address,
                         std::shared_ptr<const TlsContext> tls) {
  ::fcntl(fd.get(), F_SETFL, O_NONBLOCK);
  return {std::move(fd), address, std::move(tls)};
}

std::unique_ptr<Channel> Listener::channel(FileDescriptor fd) const {
  return tls_ ? tls_->accept(std::move(fd)) : plain_channel(std::move(fd));
}

}  // namespace twobox
