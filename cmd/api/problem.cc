#include "api/problem.h"

#include <nlohmann/json.hpp>
#include <string_view>

#include "reconciler/fields_json.h"

namespace twobox {
namespace {

using Json = nlohmann::ordered_json;

std::string_view title(int status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    default:
      return "Internal Server Error";
  }
}

HttpAnswer answer(int status, const std::string& detail, Json errors) {
  const Json object = {{"type", "about:blank"},
                       {"title", title(status)},
                       {"status", status},
                       {"detail", detail},
                       {"errors", std::move(errors)}};
  return {status, "application/problem+json", json_text(object) + "\n", {}, nullptr};
}

}  // namespace

HttpAnswer problem(int status, const std::string& detail) {
  return answer(status, detail, Json::array());
}

HttpAnswer problem(const Faults& faults) {
  Json errors = Json::array();
  for (const Fault& fault : faults)
    errors.push_back({{"pointer", fault.pointer}, {"detail", fault.detail}});
  return answer(400, "the document is not valid; the one in force stays", std::move(errors));
}

}  // namespace twobox
