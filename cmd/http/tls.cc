#include "http/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <climits>

namespace twobox {
namespace {

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct FreeConnection {
  void operator()(SSL* connection) const { SSL_free(connection); }
};
using Context = std::unique_ptr<SSL_CTX, FreeContext>;
using Connection = std::unique_ptr<SSL, FreeConnection>;

Error failure(const std::string& doing) {
  std::array<char, 256> words{};
  ERR_error_string_n(ERR_get_error(), words.data(), words.size());
  ERR_clear_error();
  return {ErrorKind::kUnavailable, 0, doing + ": " + words.data()};
}

int at_most_int(std::size_t count) {
  return static_cast<int>(std::min<std::size_t>(count, INT_MAX));
}

class TlsChannel : public Channel {
 public:
  TlsChannel(FileDescriptor fd, Connection connection)
      : fd_(std::move(fd)), connection_(std::move(connection)) {}

  Moved read(char* to, std::size_t room) override {
    return moved(SSL_read(connection_.get(), to, at_most_int(room)));
  }
  Moved write(std::string_view from) override {
    return moved(SSL_write(connection_.get(), from.data(), at_most_int(from.size())));
  }
  void end() override {
    SSL_shutdown(connection_.get());
    ERR_clear_error();
    ::shutdown(fd_.get(), SHUT_WR);
  }
  int fd() const override { return fd_.get(); }

 private:
  Moved moved(int count) {
    if (count > 0) return {static_cast<std::size_t>(count), Want::kNothing};
    const int why = SSL_get_error(connection_.get(), count);
    ERR_clear_error();  // the queue is the thread's: it would be blamed on another connection
    if (why == SSL_ERROR_WANT_READ) return {0, Want::kRead};
    if (why == SSL_ERROR_WANT_WRITE) return {0, Want::kWrite};
    return {};
  }
  FileDescriptor fd_;
  Connection connection_;
};

class OpensslContext : public TlsContext {
 public:
  explicit OpensslContext(Context context) : context_(std::move(context)) {}

  std::unique_ptr<Channel> accept(FileDescriptor fd) const override {
    Connection connection(SSL_new(context_.get()));
    if (!connection || SSL_set_fd(connection.get(), fd.get()) != 1) return nullptr;
    SSL_set_accept_state(connection.get());
    return std::make_unique<TlsChannel>(std::move(fd), std::move(connection));
  }

 private:
  Context context_;
};

Status demand_client_certificates(SSL_CTX* context, const std::string& authority) {
  if (SSL_CTX_load_verify_locations(context, authority.c_str(), nullptr) != 1)
    return failure("read the clients' authority " + authority);
  SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(authority.c_str()));
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return success();
}

}  // namespace

Result<std::shared_ptr<const TlsContext>> TlsContext::open(const TlsFiles& files) {
  Context context(SSL_CTX_new(TLS_server_method()));
  if (!context) return failure("start TLS");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  // Each call is a connection of its own: there is nothing to resume.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (SSL_CTX_use_certificate_chain_file(context.get(), files.certificate.c_str()) != 1)
    return failure("read the certificate " + files.certificate);
  if (SSL_CTX_use_PrivateKey_file(context.get(), files.key.c_str(), SSL_FILETYPE_PEM) != 1)
    return failure("read the key " + files.key);
  if (SSL_CTX_check_private_key(context.get()) != 1)
    return failure("the key " + files.key + " and the certificate " + files.certificate);
  if (!files.client_authority.empty())
    if (const Status ready = demand_client_certificates(context.get(), files.client_authority);
        !ready)
      return ready.error();
  return std::shared_ptr<const TlsContext>(std::make_shared<OpensslContext>(std::move(context)));
}

}  // namespace twobox
