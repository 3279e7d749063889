// A document on disk, read with every refusal in words.
#pragma once

#include <string>
#include <variant>

#include "schema/error.h"
#include "schema/validate.h"

namespace twobox {

struct LoadedDocument {
  std::string text;  // as it stood in the file
  ValidDocument document;
};

/// An Error when the file can't be read, Faults when what it says is wrong.
std::variant<LoadedDocument, Error, Faults> load_document(const std::string& path, bool large);

/// load_document() for a one-shot command: complains on stderr, one line for each fault, and gives
/// nothing.
std::optional<LoadedDocument> load_or_complain(const std::string& path, bool large);

}  // namespace twobox
