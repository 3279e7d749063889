// Fields and foreign objects as JSON; internal to the files that print JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "reconciler/fields.h"
#include "reconciler/ownership.h"
#include "schema/error.h"

namespace twobox {

nlohmann::ordered_json fields_json(const Fields& fields);
nlohmann::ordered_json foreign_json(const std::vector<ForeignObject>& objects);

/// {"errno", "message"}, or null.
nlohmann::ordered_json error_json(const std::optional<Error>& error);

/// One line. Bytes that are not UTF-8 (somebody's rule comment) are replaced, never thrown over.
std::string json_text(const nlohmann::ordered_json& value);

/// "ipvs_service tcp 192.0.2.1:80".
std::string object_name(const ForeignObject& object);

}  // namespace twobox
