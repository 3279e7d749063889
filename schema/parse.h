// JSON text -> Document. The only place, with parse.cc and its readers, where a document's JSON is
// read.
#pragma once

#include <cstddef>
#include <string_view>
#include <variant>

#include "schema/document.h"

namespace twobox {

constexpr std::size_t kMaxDocumentBytes = std::size_t{1} << 20;        // 1 MiB
constexpr std::size_t kMaxLargeDocumentBytes = std::size_t{64} << 20;  // with --large
constexpr int kMaxDocumentDepth = 32;

/// Reads every field; all faults are reported at once, in document order.
///
/// Refused: more than `max_bytes`, invalid JSON or UTF-8, depth over 32, unknown or repeated keys,
/// wrong types, numbers out of range or with a fraction. Rules that span fields are validate()'s.
std::variant<Document, Faults> parse_document(std::string_view text,
                                              std::size_t max_bytes = kMaxDocumentBytes);

}  // namespace twobox
