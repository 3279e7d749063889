#include "reconciler/fields_json.h"

#include <array>

#include "reconciler/describe.h"

namespace twobox {
namespace {

using Json = nlohmann::ordered_json;

std::string_view kind_of(const ForeignObject& object) {
  constexpr std::array<std::string_view, 3> kKinds = {"address", "ipvs_service", "ipvs_daemon"};
  return kKinds.at(object.key.index());
}

std::string key_of(const ForeignObject& object) {
  return std::visit([](const auto& key) { return key_text(key); }, object.key);
}

}  // namespace

Json fields_json(const Fields& fields) {
  Json object = Json::object();
  for (const NamedValue& field : fields)
    object[field.name] = std::visit([](const auto& value) { return Json(value); }, field.value);
  return object;
}

Json foreign_json(const std::vector<ForeignObject>& objects) {
  Json list = Json::array();
  for (const ForeignObject& object : objects)
    list.push_back({{"kind", kind_of(object)}, {"key", key_of(object)}, {"reason", object.reason}});
  return list;
}

Json error_json(const std::optional<Error>& error) {
  if (!error) return nullptr;
  return {{"errno", error->errno_value}, {"message", error->message}};
}

std::string json_text(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string object_name(const ForeignObject& object) {
  return std::string(kind_of(object)) + " " + key_of(object);
}

}  // namespace twobox
