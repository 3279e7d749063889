#include <nlohmann/json.hpp>

#include "api/problem.h"
#include "api/route.h"
#include "reconciler/fields_json.h"

namespace twobox {
namespace {

using Json = nlohmann::ordered_json;

Json parameter(const std::string& where, const std::string& name, const std::string& text) {
  Json object = {{"name", name}, {"in", where}, {"required", where == "path"}};
  if (!text.empty()) object["description"] = text;
  object["schema"] = {{"type", "string"}};
  return object;
}

Json parameters(const Route& route) {
  Json list = Json::array();
  for (std::size_t at = 0; (at = route.pattern.find('{', at)) != std::string::npos; ++at)
    list.push_back(
        parameter("path", route.pattern.substr(at + 1, route.pattern.find('}', at) - at - 1), ""));
  for (const auto& [name, text] : route.query) list.push_back(parameter("query", name, text));
  return list;
}

Json answers(const Route& route) {
  Json object = Json::object();
  for (const auto& [status, when] : route.answers) {
    const std::string type = status < 400 ? route.type : "application/problem+json";
    object[std::to_string(status)] = {{"description", when}};
    if (status != 304) object[std::to_string(status)]["content"][type] = Json::object();
  }
  return object;
}

Json operation(const Route& route) {
  Json object = {{"summary", route.summary}};
  if (const Json list = parameters(route); !list.empty()) object["parameters"] = list;
  if (route.body == RouteBody::kJson)
    object["requestBody"] = {{"required", true}, {"content", {{kJsonType, Json::object()}}}};
  object["responses"] = answers(route);
  if (route.access == RouteAccess::kOpen) object["security"] = Json::array();
  return object;
}

std::string in_lower_case(std::string text) {
  for (char& c : text) c = static_cast<char>(c | 0x20);
  return text;
}

}  // namespace

std::string openapi_json(const Routes& routes) {
  Json paths = Json::object();
  for (const Route& route : routes)
    paths[route.pattern][in_lower_case(route.method)] = operation(route);
  const Json object = {
      {"openapi", "3.1.0"},
      {"info", {{"title", "twobox"}, {"version", "1"}}},
      {"components", {{"securitySchemes", {{"token", {{"type", "http"}, {"scheme", "bearer"}}}}}}},
      {"security", Json::array({Json{{"token", Json::array()}}})},
      {"paths", std::move(paths)}};
  return json_text(object);
}

}  // namespace twobox
