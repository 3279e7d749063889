#include "reconciler/field_reader.h"

namespace twobox {

nlohmann::ordered_json parse_written_json(std::string_view text) {
  using Json = nlohmann::ordered_json;
  constexpr int kDeepest = 32;
  bool too_deep = false;
  // False leaves the value out as soon as it begins.
  const auto keep = [&too_deep](int depth, Json::parse_event_t, const Json&) {
    too_deep = too_deep || depth > kDeepest;
    return depth <= kDeepest;
  };
  Json value = Json::parse(text, keep, /*allow_exceptions=*/false);
  return too_deep ? Json(Json::value_t::discarded) : value;
}

}  // namespace twobox
