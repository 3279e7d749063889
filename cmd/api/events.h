// GET /v1/events: server-sent events.
#pragma once

#include "api/board.h"
#include "api/loop_requests.h"
#include "http/message.h"

namespace twobox {

constexpr char kEventPath[] = "/v1/events";
constexpr char kEventType[] = "text/event-stream";

/// One "status" event at once and one whenever the status is another; "traffic" each second;
/// "history" with each change that is made; a comment after 15 seconds of silence, so that both
/// ends notice when the other is gone. What it refers to outlives the answer.
HttpAnswer watch_events(const StatusBoard& board, LoopRequests& requests);

/// An event as the format has it: "event: NAME", one "data: " for each line, an empty line.
std::string event_text(const std::string& name, const std::string& data);

}  // namespace twobox
