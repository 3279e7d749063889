#include "twobox/commands.h"
#include "twobox/daemons_outcome.h"

namespace twobox {

int run_confirm(const ConfirmOptions& options) {
  Request request;
  request.target = "/v1/confirm";
  request.is_post = true;
  // What it has converged to was for `twobox put` to say: here only a refusal is a failure.
  return ask_and_print_outcome(options.api, request, options.format) == 1 ? 1 : 0;
}

}  // namespace twobox
