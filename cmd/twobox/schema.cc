#include <cstdio>

#include "document_schema.h"
#include "twobox/commands.h"

namespace twobox {

int run_schema() {
  return std::fputs(kDocumentSchema, stdout) < 0 ? 1 : 0;
}

}  // namespace twobox
