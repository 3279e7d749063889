#include "reconciler/selftest.h"

#include <poll.h>

#include <algorithm>
#include <cstdio>
#include <random>

#include "backends/kernel.h"
#include "backends/probe/listeners.h"
#include "backends/probe/prober.h"
#include "twobox/commands.h"
#include "twobox/log.h"
#include "twobox/machine.h"
#include "twobox/neighbour_macs.h"
#include "twobox/role_overrides.h"
#include "twobox/subject.h"

namespace twobox {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kGood = 0;
constexpr int kBad = 1;
constexpr int kFailed = 2;

/// A probe that is not answered within this is lost; on one segment it takes a millisecond.
constexpr std::chrono::milliseconds kPatience{1000};
constexpr std::size_t kProbesAtOnce = 512;

/// Locally administered, and no group's.
MacAddress made_up_mac() {
  std::random_device random;
  std::array<std::uint8_t, 6> bytes{0x02, 0x74, 0x62};
  for (std::size_t at = 3; at < bytes.size(); ++at) bytes[at] = static_cast<std::uint8_t>(random());
  return MacAddress::from_bytes(bytes);
}

/// Sends the probes, so many at once, and adds what became of each to the report.
class ProbeRun {
 public:
  ProbeRun(Prober prober, const SelftestPlace& place, const ListeningSockets& sockets)
      : prober_(std::move(prober)), place_(place), sockets_(sockets) {}

  Status run(const std::vector<SelftestProbe>& probes, SelftestReport& report) {
    for (std::size_t index = 0; index < probes.size(); ++index)
      for (std::size_t time = 0; time < probes[index].times; ++time) {
        if (under_way_ == kProbesAtOnce) wait(probes, report, kProbesAtOnce / 2);
        if (const Status begun =
                prober_.begin(index, probes[index].target, Clock::now() + kPatience);
            !begun)
          return begun.error();
        ++under_way_;
      }
    wait(probes, report, 0);
    return success();
  }

 private:
  void wait(const std::vector<SelftestProbe>& probes, SelftestReport& report, std::size_t left) {
    while (under_way_ > left) {
      const auto due = prober_.next().value_or(Clock::now()) - Clock::now();
      const auto millis = std::chrono::ceil<std::chrono::milliseconds>(due).count();
      pollfd waiting{prober_.fd(), POLLIN, 0};
      ::poll(&waiting, 1, static_cast<int>(std::max<std::int64_t>(0, millis)));
      for (const Prober::Ended& ended : prober_.drain(Clock::now())) {
        --under_way_;
        const SelftestSubject& subject = probes.at(ended.id).subject;
        const bool listens_here =
            would_accept(sockets_, answering_address(place_, subject), subject.port);
        ++report[judge_probe(place_, subject, ended.outcome, listens_here)];
      }
    }
  }

  Prober prober_;
  const SelftestPlace& place_;
  const ListeningSockets& sockets_;
  std::size_t under_way_ = 0;
};

Result<SelftestReport> test(const SelftestPlace& place) {
  auto sockets = listening_sockets();
  if (!sockets) return sockets.error();
  auto prober = Prober::open();
  if (!prober) return prober.error();
  const SelftestPlan plan = plan_selftest(place);
  for (const std::string& what : plan.left_out) complain("not probed: " + what);
  SelftestReport report;
  for (const SelftestListener& wanted : selftest_listeners(place.document, place.node))
    ++report[judge_listener(wanted, would_accept(*sockets, wanted.bound_to, wanted.port))];
  if (const Status run = ProbeRun(*std::move(prober), place, *sockets).run(plan.probes, report);
      !run)
    return run.error();
  return report;
}

Result<SelftestReport> test(const Subject& subject, const DiffOptions& options, NodeName& node) {
  auto kernel = open_kernel();
  if (!kernel) return kernel.error();
  const auto by_hand = RoleOverridesFile::open(options.state_directory);
  if (!by_hand) return by_hand.error();
  auto standpoint =
      take_standpoint(subject.document, subject.node, {by_hand->roles(), {}}, **kernel);
  if (!standpoint) return standpoint.error();
  auto machine = (*kernel)->observe_machine();
  if (!machine) return machine.error();
  node = standpoint->node;
  return test(SelftestPlace{*subject.document, node, std::move(standpoint->roles),
                            std::move(machine->links), find_neighbours(*subject.document, node),
                            made_up_mac()});
}

}  // namespace

int run_selftest(const DiffOptions& options) {
  const auto subject = find_subject(options);
  if (!subject) return kFailed;
  NodeName node;
  const auto report = test(*subject, options, node);
  if (!report) {
    complain(report.error().message);
    return kFailed;
  }
  const std::string text = options.format == OutputFormat::kJson
                               ? selftest_json(node, *report) + "\n"
                               : selftest_text(node, *report);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return is_good(*report) ? kGood : kBad;
}

}  // namespace twobox
