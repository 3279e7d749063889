#include <chrono>
#include <cstdio>
#include <thread>

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

/// Switches and neighbours that missed the first burst hear the second, as keepalived has it.
void announce_again(const PassReport& pass, Backend& kernel) {
  if (pass.applied.gained.empty()) return;
  std::fflush(stdout);
  std::this_thread::sleep_for(kSecondBurstDelay);
  for (const GainedAddress& gained : pass.applied.gained)
    if (const Status sent = kernel.announce(gained.key.interface, gained.key.prefix.address(),
                                            kAnnouncementsPerBurst);
        !sent)
      complain(sent.error().message);
}

int finish(const NodeName& node, const PassReport& pass, OutputFormat format, Backend& kernel) {
  print_pass(node, pass, format);
  complain_about(pass);
  announce_again(pass, kernel);
  return pass.remaining.in_sync() && pass.draining.empty() ? 0 : 1;
}

}  // namespace

int run_apply(const ApplyOptions& options) {
  if (options.dry_run) return run_diff(options.what) == 0 ? 0 : 1;
  const auto target = find_target(options.what);
  if (!target) return 1;
  const auto lock = ChangeLock::take(options.what.state_directory);
  if (!lock) return complain_and_fail(lock.error());
  auto ownership = OwnershipFile::open(options.what.state_directory);
  if (!ownership) return complain_and_fail(ownership.error());

  Refusals refusals;
  const auto pass = reconcile_once(target->desired, *target->kernel, *ownership, refusals,
                                   std::chrono::steady_clock::now());
  if (!pass) return complain_and_fail(pass.error());
  return finish(target->node, *pass, options.what.format, *target->kernel);
}

}  // namespace twobox
