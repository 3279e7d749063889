#include "twobox/api_client.h"

#include <httplib.h>

#include <nlohmann/json.hpp>

#include "api/document.h"
#include "http/listener.h"
#include "reconciler/field_reader.h"
#include "schema/document.h"

namespace twobox {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kLongestAnswerSeconds = 75;  // PUT may wait for a minute

std::string text_of(const Json& object, const char* name) {
  const auto field = object.find(name);
  return field != object.end() && field->is_string() ? field->get<std::string>() : "";
}

}  // namespace

Result<Response> ask_daemon(const std::string& api, const Request& request) {
  const auto address = parse_listen_address(api);
  if (!address) return address.error();
  httplib::Client client(address->host_or_path, address->port == 0 ? 80 : address->port);
  if (address->port == 0) client.set_address_family(AF_UNIX);
  client.set_connection_timeout(2);
  client.set_read_timeout(kLongestAnswerSeconds);
  const httplib::Headers header(request.header.begin(), request.header.end());
  const auto response =
      request.is_delete ? client.Delete(request.target, header)
      : request.is_post ? client.Post(request.target, header, "", "application/json")
      : request.put     ? client.Put(request.target, header, *request.put, "application/json")
                        : client.Get(request.target, header);
  if (!response) return Error{ErrorKind::kUnavailable, 0, "no daemon answers on " + api};
  return Response{response->status, response->body,
                  response->get_header_value(kInSyncHeader) == "true"};
}

std::vector<std::string> refusal_lines(const Response& response) {
  const Json object = parse_written_json(response.body);
  if (!object.is_object()) return {"the daemon answered " + std::to_string(response.status)};
  std::vector<std::string> lines = {"the daemon refused: " + text_of(object, "detail")};
  for (const Json& fault : object.value("errors", Json::array()))
    lines.push_back(to_string(Fault{text_of(fault, "pointer"), text_of(fault, "detail")}));
  return lines;
}

}  // namespace twobox
