// The status as Prometheus reads it: text format 0.0.4.
#pragma once

#include <string>
#include <string_view>

#include "reconciler/status.h"

namespace twobox {

constexpr char kMetricsType[] = "text/plain; version=0.0.4; charset=utf-8";

/// Labels of IPVS services are those of node_exporter's node_ipvs_*, so that its numbers join with
/// twobox_ipvs_service_info, which adds the VIP's name; none of its numbers is exported again.
std::string metrics_text(const StatusReport& report, std::string_view version);

}  // namespace twobox
