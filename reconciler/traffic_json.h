// What this node does with its traffic, as the API shows it.
#pragma once

#include <map>
#include <string>

#include "reconciler/moment.h"
#include "reconciler/packet_path.h"

namespace twobox {

/// {"format": 1, "at", "node", "nodes", "vips"}, one line without a newline at its end.
/// `roles`: those acted on, one for each of the document's VIPs.
std::string traffic_json(const NodeView& view, const Roles& roles, WallTime at);

}  // namespace twobox
