// PUT /v1/vips/NAME/role, apart from HTTP's own matters.
#pragma once

#include <optional>
#include <string>

#include "twobox/api_server.h"

namespace twobox {

struct Answer {
  int status;        // HTTP's
  std::string type;  // of the body
  std::string body;
};

/// RFC 9457.
Answer problem(int status, const std::string& detail);

/// `body` is {"role": "master|backup|fault|document"}; nullopt: it was too long. Blocks until the
/// loop has acted. 200 with the VIP's role and its source; 400, 404, 413, 503.
Answer put_role(const VipName& vip, const std::optional<std::string>& body,
                const StatusBoard& board, RoleRequests& requests);

}  // namespace twobox
