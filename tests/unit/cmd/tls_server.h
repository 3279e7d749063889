// The server's end of TLS, with a certificate nobody vouches for.
#pragma once

#include <doctest/doctest.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "tests/unit/cmd/checks_testbed.h"

namespace twobox::testing {

class TlsServer {
 public:
  TlsServer() : context_(::SSL_CTX_new(::TLS_server_method())) {
    EVP_PKEY* const key = ::EVP_EC_gen("P-256");
    X509* const certificate = ::X509_new();
    ::X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    ::X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_NAME* const name = ::X509_get_subject_name(certificate);
    const auto* const text = reinterpret_cast<const unsigned char*>("nobody.example");
    REQUIRE(::X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, -1, -1, 0) == 1);
    REQUIRE(::X509_set_issuer_name(certificate, name) == 1);
    REQUIRE(::X509_set_pubkey(certificate, key) == 1);
    REQUIRE(::X509_sign(certificate, key, ::EVP_sha256()) > 0);
    REQUIRE(::SSL_CTX_use_certificate(context_.get(), certificate) == 1);
    REQUIRE(::SSL_CTX_use_PrivateKey(context_.get(), key) == 1);
    ::X509_free(certificate);
    ::EVP_PKEY_free(key);
  }

  /// Reads a request and sends `text`, if TLS comes about. The thread of Serving.
  void answer(int connection, std::string_view text) {
    const std::unique_ptr<SSL, decltype(&::SSL_free)> tls(::SSL_new(context_.get()), &::SSL_free);
    ::SSL_set_fd(tls.get(), connection);
    const bool accepted = ::SSL_accept(tls.get()) == 1;
    {
      const std::lock_guard lock(mutex_);
      const char* const name = ::SSL_get_servername(tls.get(), TLSEXT_NAMETYPE_host_name);
      name_ = name != nullptr ? name : "";
    }
    std::array<char, 4096> request;
    if (!accepted || ::SSL_read(tls.get(), request.data(), request.size()) <= 0) return;
    ::SSL_write(tls.get(), text.data(), static_cast<int>(text.size()));
    ::SSL_shutdown(tls.get());
  }

  /// Of the last connection.
  std::string name_asked_for() const {
    const std::lock_guard lock(mutex_);
    return name_;
  }
  void forget_name() {
    const std::lock_guard lock(mutex_);
    name_.clear();
  }

 private:
  struct FreeTls {
    void operator()(SSL_CTX* context) const { ::SSL_CTX_free(context); }
  };
  std::unique_ptr<SSL_CTX, FreeTls> context_;
  mutable std::mutex mutex_;
  std::string name_;
};

}  // namespace twobox::testing
