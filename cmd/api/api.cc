#include "api/api.h"

#include <algorithm>
#include <charconv>

#include "api/events.h"
#include "api/problem.h"
#include "api/routes.h"

namespace twobox {
namespace {

/// "application/json; charset=utf-8" -> "application/json".
std::string media_type(const HttpRequest& request) {
  const std::string value = request.header_value("content-type").value_or("");
  return value.substr(0, value.find_first_of("; \t"));
}

/// A misspelt ?dry_run would change what it should only show.
std::optional<HttpAnswer> refuse_query(const Route& route, const HttpRequest& request) {
  for (const auto& [name, value] : request.query) {
    const auto known = [&name = name](const auto& parameter) { return parameter.first == name; };
    if (std::ranges::none_of(route.query, known))
      return problem(400, "this call has no query parameter '" + name + "'");
    if (request.query.count(name) > 1)
      return problem(400, "the query parameter '" + name + "' is given twice");
  }
  return std::nullopt;
}

HttpAnswer for_everybody(HttpAnswer answer) {
  answer.header.emplace_back("X-Content-Type-Options", "nosniff");
  const auto says = [&](const char* name) {
    return std::ranges::any_of(answer.header, [&](const auto& line) { return line.first == name; });
  };
  if (!says("Cache-Control")) answer.header.emplace_back("Cache-Control", "no-store");
  return answer;
}

}  // namespace

std::string_view to_string(DocumentSource source) {
  if (source == DocumentSource::kApi) return "api";
  return source == DocumentSource::kFile ? "file" : "file and api";
}

Api::Api(Backstage backstage, AccessPolicy policy)
    : backstage_(backstage), policy_(std::move(policy)), routes_(make_routes(backstage_)) {
  routes_.push_back({.method = "GET",
                     .pattern = "/v1/openapi.json",
                     .summary = "this list",
                     .type = kJsonType,
                     .answers = {{200, "OpenAPI 3.1"}},
                     .answer = nullptr});
  routes_.back().answer = [text = openapi_json(routes_)](const Call&) {
    return HttpAnswer{200, kJsonType, text + "\n", {}, nullptr};
  };
}

std::optional<HttpAnswer> Api::refuse(const HttpRequest& request) const {
  auto refusal = refuse_call(request);
  if (!refusal) return std::nullopt;
  return for_everybody(*std::move(refusal));
}

std::optional<HttpAnswer> Api::refuse_call(const HttpRequest& request) const {
  const Destination to = find_route(routes_, request.method, request.path);
  const bool open = to.route != nullptr && to.route->access == RouteAccess::kOpen;
  if (auto stranger =
          refuse_stranger(request, policy_, open ? TokenNeed::kNone : TokenNeed::kBearer))
    return stranger;
  if (to.route == nullptr) return to.none;
  if (auto query = refuse_query(*to.route, request)) return query;
  return to.route->body == RouteBody::kJson ? refuse_body(request) : std::nullopt;
}

std::optional<HttpAnswer> Api::refuse_body(const HttpRequest& request) const {
  // JSON also keeps web forms of other sites out.
  if (media_type(request) != kJsonType)
    return problem(415, "Content-Type must be application/json");
  // What unpacks to more than it seems is nothing that a document needs.
  if (request.header.contains("content-encoding"))
    return problem(415, "Content-Encoding is not understood: send the document as it is");
  const auto length = request.header_value("content-length");
  if (!length && !request.header.contains("transfer-encoding"))
    return problem(411, "the body needs a Content-Length");
  std::uint64_t bytes = 0;
  if (length) std::from_chars(length->data(), length->data() + length->size(), bytes);
  if (bytes > max_body())
    return problem(413, "a body may have " + std::to_string(max_body()) + " bytes");
  return std::nullopt;
}

HttpAnswer Api::answer(const HttpRequest& request) const {
  const Destination to = find_route(routes_, request.method, request.path);
  if (to.route == nullptr) return for_everybody(to.none);
  return for_everybody(to.route->answer({request, match(to.route->pattern, request.path).value()}));
}

bool Api::is_endless(const std::string& path) const {
  return path == kEventPath;
}

HttpAnswer Api::fault(int status, const std::string& detail) const {
  return for_everybody(problem(status, detail));
}

}  // namespace twobox
