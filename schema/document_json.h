// Document -> JSON text: parse_document()'s way back.
#pragma once

#include <string>

#include "schema/document.h"

namespace twobox {

/// Format version 1, indented by two, with a line break at the end. Fields that have their default
/// are left out.
///
/// parse_document() makes an equal document of it, if it could have made this one: what it refuses
/// (no MAC, "lo" as wire interface) is written all the same, so that its faults name what is
/// missing. Texts must be UTF-8; other bytes become U+FFFD.
std::string document_json(const Document& document);

}  // namespace twobox
