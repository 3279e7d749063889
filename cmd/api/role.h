// PUT /v1/vips/NAME/role.
#pragma once

#include "api/api.h"

namespace twobox {

/// The body is {"role": "master|backup|fault|document"}. Blocks until the loop has acted. 200 with
/// the VIP's role and its source; 400, 404, 413, 503.
HttpAnswer put_role(const Call& call, const Backstage& backstage);

}  // namespace twobox
