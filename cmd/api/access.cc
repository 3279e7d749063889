#include "api/access.h"

#include <openssl/crypto.h>

#include <string_view>

#include "api/problem.h"
#include "schema/net.h"
#include "twobox/files.h"

namespace twobox {
namespace {

constexpr std::size_t kMaxTokenFileBytes = 4096;
constexpr std::string_view kSpace = " \t\r\n";

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

bool brings_token(const HttpRequest& request, const std::string& token_file) {
  constexpr std::string_view kScheme = "Bearer ";
  const std::string given = request.header_value("authorization").value_or("");
  const auto wanted = read_token(token_file);
  return wanted && given.starts_with(kScheme) &&
         same_secret(std::string_view(given).substr(kScheme.size()), *wanted);
}

HttpAnswer ask_for_token() {
  HttpAnswer answer = problem(401, "this call needs the header Authorization: Bearer TOKEN");
  answer.header.emplace_back("WWW-Authenticate", "Bearer realm=\"twobox\"");
  return answer;
}

}  // namespace

std::optional<std::string> read_token(const std::string& file) {
  const auto text = read_file(file, kMaxTokenFileBytes);
  if (!text) return std::nullopt;
  const std::size_t first = text->find_first_not_of(kSpace);
  if (first == text->npos) return std::nullopt;
  std::string token = text->substr(first, text->find_last_not_of(kSpace) - first + 1);
  if (token.size() < kMinTokenBytes) return std::nullopt;
  return token;
}

std::optional<HttpAnswer> refuse_stranger(const HttpRequest& request, const AccessPolicy& policy,
                                          TokenNeed need) {
  if (request.entrance == Entrance::kUnix) return std::nullopt;
  const auto host = request.header_value("host");
  if (!host) return problem(400, "the header Host is missing");
  const bool proves_itself = !policy.token_file.empty() || policy.client_certificates;
  if (!proves_itself && !is_address_or_localhost(*host))
    return problem(403, "Host must be an address or localhost");
  const std::string scheme = request.entrance == Entrance::kTls ? "https://" : "http://";
  const auto origin = request.header_value("origin");
  if (origin && *origin != scheme + *host)
    return problem(403, "pages of another origin may not call this API");
  if (need == TokenNeed::kBearer && !policy.token_file.empty() &&
      !brings_token(request, policy.token_file))
    return ask_for_token();
  return std::nullopt;
}

}  // namespace twobox
