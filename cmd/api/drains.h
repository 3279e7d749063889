// Calls about drains asked for by hand.
#pragma once

#include "api/api.h"

namespace twobox {

/// How long a drain may take when nobody says.
constexpr std::chrono::seconds kDefaultDrain{60};

HttpAnswer get_drains(const DaemonView& view);
/// Both block until the loop has acted. 404 for a node or server the document does not have, or for
/// a drain that nobody asked for.
HttpAnswer put_drain(const Call& call, const Backstage& backstage);
HttpAnswer delete_drain(const Call& call, const Backstage& backstage);

}  // namespace twobox
