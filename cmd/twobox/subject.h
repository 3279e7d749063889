// The document that a subcommand looks at a machine by: from a file, or the daemon's own.
#pragma once

#include <optional>
#include <string>

#include "schema/validate.h"
#include "twobox/commands.h"

namespace twobox {

struct Subject {
  std::string text;  // as it stood in the file
  ValidDocument document;
  std::optional<NodeName> node;  // which this is, if somebody said so
};

/// Complains on stderr, and gives nothing, where there is none.
std::optional<Subject> find_subject(const DiffOptions& options);

}  // namespace twobox
