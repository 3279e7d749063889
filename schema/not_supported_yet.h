// The parts of the document's format that this version can't bring about yet. When the last is
// built, this file, its .cc and one line of validate.cc go.
#pragma once

#include "schema/document.h"

namespace twobox {

/// A fault for each use of such a part.
Faults not_supported_yet(const Document& document);

}  // namespace twobox
