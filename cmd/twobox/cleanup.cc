#include <chrono>

#include "backends/kernel.h"
#include "twobox/commands.h"
#include "twobox/log.h"
#include "twobox/pass.h"
#include "twobox/state_directory.h"

namespace twobox {
namespace {

int complain_and_fail(const Error& error) {
  complain(error.message);
  return 1;
}

}  // namespace

int run_cleanup(const CleanupOptions& options) {
  auto kernel = open_kernel();
  if (!kernel) return complain_and_fail(kernel.error());
  const auto lock = ChangeLock::take(options.state_directory);
  if (!lock) return complain_and_fail(lock.error());
  auto ownership = OwnershipFile::open(options.state_directory);
  if (!ownership) return complain_and_fail(ownership.error());

  Refusals refusals;
  const auto pass = reconcile_once(nothing_desired(), **kernel, *ownership, refusals,
                                   std::chrono::steady_clock::now());
  if (!pass) return complain_and_fail(pass.error());
  print_pass("", *pass, options.format);
  complain_about(*pass);
  return pass->remaining.in_sync() ? 0 : 1;
}

}  // namespace twobox
