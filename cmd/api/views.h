// The calls that only look.
#pragma once

#include "api/board.h"
#include "http/message.h"

namespace twobox {

HttpAnswer get_status(const DaemonView& snapshot);
/// Every change that is remembered, newest last.
HttpAnswer get_history(const DaemonView& snapshot);
HttpAnswer get_health();
/// 200, or 503 while the kernel is not as the document wants it.
HttpAnswer get_readiness(const DaemonView& snapshot);
HttpAnswer get_schema();

}  // namespace twobox
