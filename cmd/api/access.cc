#include "api/access.h"

#include <openssl/crypto.h>

#include <string_view>

#include "api/problem.h"
#include "schema/net.h"

namespace twobox {
namespace {

/// "[::1]:8080" -> "::1", "localhost:8080" -> "localhost".
std::string without_port(const std::string& host) {
  if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
  return host.substr(0, host.find(':'));
}

bool is_address_or_localhost(const std::string& host) {
  const std::string name = without_port(host);
  return name == "localhost" || IpAddress::parse(name).has_value();
}

bool same_secret(std::string_view given, std::string_view wanted) {
  return given.size() == wanted.size() &&
         CRYPTO_memcmp(given.data(), wanted.data(), wanted.size()) == 0;
}

bool brings_token(const HttpRequest& request, const std::optional<std::string>& wanted) {
  constexpr std::string_view kScheme = "Bearer ";
  const std::string given = request.header_value("authorization").value_or("");
  return wanted && given.starts_with(kScheme) &&
         same_secret(std::string_view(given).substr(kScheme.size()), *wanted);
}

HttpAnswer ask_for_token() {
  HttpAnswer answer = problem(401, "this call needs the header Authorization: Bearer TOKEN");
  answer.header.emplace_back("WWW-Authenticate", "Bearer realm=\"twobox\"");
  return answer;
}

}  // namespace

std::optional<HttpAnswer> refuse_stranger(const HttpRequest& request, const AccessPolicy& policy,
                                          TokenNeed need) {
  if (request.entrance == Entrance::kUnix) return std::nullopt;
  const auto host = request.header_value("host");
  if (!host) return problem(400, "the header Host is missing");
  const bool proves_itself = policy.token || policy.client_certificates;
  if (!proves_itself && !is_address_or_localhost(*host))
    return problem(403, "Host must be an address or localhost");
  const std::string scheme = request.entrance == Entrance::kTls ? "https://" : "http://";
  const auto origin = request.header_value("origin");
  if (origin && *origin != scheme + *host)
    return problem(403, "pages of another origin may not call this API");
  if (need == TokenNeed::kBearer && policy.token && !brings_token(request, policy.token()))
    return ask_for_token();
  return std::nullopt;
}

}  // namespace twobox
