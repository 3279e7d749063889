// GET /v1/events: server-sent events.
#pragma once

#include "api/board.h"
#include "http/message.h"

namespace twobox {

constexpr char kEventType[] = "text/event-stream";

/// One "status" event at once and one whenever the status is another; a comment every 15 seconds,
/// so that both ends notice when the other is gone. `board` outlives the answer.
HttpAnswer watch_events(const StatusBoard& board);

/// An event as the format has it: "event: NAME", one "data: " for each line, an empty line.
std::string event_text(const std::string& name, const std::string& data);

}  // namespace twobox
