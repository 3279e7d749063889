// JSON text -> JsonValue. The one door through which a JSON library reads documents.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "schema/fault_log.h"
#include "schema/json_value.h"

namespace twobox {

/// Reads one JSON value, in time linear in the text.
///
/// nullopt when there is none to read on with: more than `max_bytes`, a byte order mark, invalid
/// JSON or UTF-8, depth over kMaxDocumentDepth. Of a repeated key the first value stays, and the
/// second is a fault. Every fault is in `log`.
std::optional<JsonValue> read_json(std::string_view text, std::size_t max_bytes, FaultLog& log);

}  // namespace twobox
