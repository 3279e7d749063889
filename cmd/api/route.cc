#include "api/route.h"

#include <set>

#include "api/problem.h"

namespace twobox {
namespace {

/// "/a/b" -> "a", "b".
std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> parts;
  for (std::size_t begin = 1; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    parts.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

bool is_name(const std::string& part) {
  return part.starts_with('{') && part.ends_with('}');
}

std::string joined(const std::set<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

}  // namespace

std::string Call::query(const std::string& name) const {
  const auto found = request.query.find(name);
  return found == request.query.end() ? "" : found->second;
}

std::optional<std::map<std::string, std::string>> match(const std::string& pattern,
                                                        const std::string& path) {
  const std::vector<std::string> wanted = parts_of(pattern);
  const std::vector<std::string> found = parts_of(path);
  if (wanted.size() != found.size()) return std::nullopt;
  std::map<std::string, std::string> names;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (is_name(wanted[i]) && !found[i].empty()) {
      names[wanted[i].substr(1, wanted[i].size() - 2)] = found[i];
    } else if (wanted[i] != found[i]) {
      return std::nullopt;
    }
  }
  return names;
}

Destination find_route(const Routes& routes, const std::string& method, const std::string& path) {
  std::set<std::string> allowed;
  for (const Route& route : routes) {
    if (!match(route.pattern, path)) continue;
    if (route.method == method || (route.method == "GET" && method == "HEAD")) return {&route, {}};
    allowed.insert(route.method);
    if (route.method == "GET") allowed.insert("HEAD");
  }
  if (allowed.empty())
    return {nullptr, problem(404, "this API has no " + path + "; GET /v1/openapi.json lists it")};
  Destination none{nullptr, problem(405, path + " knows " + joined(allowed))};
  none.none.header.emplace_back("Allow", joined(allowed));
  return none;
}

}  // namespace twobox
