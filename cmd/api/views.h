// The calls that only look.
#pragma once

#include "api/board.h"
#include "api/loop_requests.h"
#include "http/message.h"

namespace twobox {

HttpAnswer get_status(const DaemonView& view);
/// Every change that is remembered, newest last.
HttpAnswer get_history(const DaemonView& view);
/// Blocks until the loop has read the traffic, for three seconds at most; 503 if it can't.
HttpAnswer get_traffic(const StatusBoard& board, LoopRequests& requests);
HttpAnswer get_health();
/// 200, or 503 while the kernel is not as the document wants it.
HttpAnswer get_readiness(const DaemonView& view);
HttpAnswer get_schema();
/// What Prometheus asks for.
HttpAnswer get_metrics(const DaemonView& view);
/// The page, with the policy that lets its own script run; 404 when built without.
HttpAnswer get_page();

}  // namespace twobox
