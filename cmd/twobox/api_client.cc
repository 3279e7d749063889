#include "twobox/api_client.h"

#include <httplib.h>

#include "twobox/api_server.h"

namespace twobox {

Result<Response> ask_daemon(const std::string& api, const Request& request) {
  const auto address = parse_listen_address(api);
  if (!address) return address.error();
  httplib::Client client(address->host_or_path, address->port == 0 ? 80 : address->port);
  if (address->port == 0) client.set_address_family(AF_UNIX);
  client.set_connection_timeout(2);
  client.set_read_timeout(15);  // longer than a request to the loop may take
  const auto response = request.put ? client.Put(request.target, *request.put, "application/json")
                                    : client.Get(request.target);
  if (!response) return Error{ErrorKind::kUnavailable, 0, "no daemon answers on " + api};
  return Response{response->status, response->body};
}

}  // namespace twobox
