#include "twobox/commands.h"
#include "twobox/document_file.h"

namespace twobox {

int run_validate(const ValidateOptions& options) {
  return load_or_complain(options.file, options.large) ? 0 : 1;
}

}  // namespace twobox
