// The table of calls: what dispatches them is what documents them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "http/message.h"

namespace twobox {

/// A call with what its route's {names} stand for.
struct Call {
  const HttpRequest& request;
  std::map<std::string, std::string> names;

  /// The query parameter, "" without it.
  std::string query(const std::string& name) const;
};

enum class RouteBody : std::uint8_t { kNone, kJson };
/// kOpen: without the token, for load balancers, and for the page that asks for it.
enum class RouteAccess : std::uint8_t { kToken, kOpen };

struct Route {
  std::string method{};
  std::string pattern{};  // "/v1/vips/{name}/role"
  std::string summary{};
  std::string type{};  // of the answer
  RouteAccess access = RouteAccess::kToken;
  RouteBody body = RouteBody::kNone;
  std::vector<std::pair<std::string, std::string>> query{};  // names, and what they do
  std::vector<std::pair<int, std::string>> answers{};        // status, and when
  std::function<HttpAnswer(const Call&)> answer{};
};
using Routes = std::vector<Route>;

/// What stands for the pattern's names; nullopt if `path` is another.
std::optional<std::map<std::string, std::string>> match(const std::string& pattern,
                                                        const std::string& path);

/// The route of a call (HEAD counts as GET), or the 404 or 405 (with Allow) that answers it.
struct Destination {
  const Route* route = nullptr;
  HttpAnswer none;  // without a route
};
Destination find_route(const Routes& routes, const std::string& method, const std::string& path);

/// The table as OpenAPI 3.1.
std::string openapi_json(const Routes& routes);

}  // namespace twobox
