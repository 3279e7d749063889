#include "reconciler/selftest.h"

#include <poll.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "backends/kernel.h"
#include "backends/probe/listeners.h"
#include "backends/probe/neighbours.h"
#include "backends/probe/prober.h"
#include "twobox/api_client.h"
#include "twobox/commands.h"
#include "twobox/document_file.h"
#include "twobox/log.h"
#include "twobox/machine.h"
#include "twobox/role_overrides.h"

namespace twobox {
namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

constexpr int kGood = 0;
constexpr int kBad = 1;
constexpr int kFailed = 2;

/// A probe that is not answered within this is lost; on one segment it takes a millisecond.
constexpr std::chrono::milliseconds kPatience{1000};
/// A peer that is up answers ARP within this.
constexpr std::chrono::milliseconds kNeighbourPatience{500};
constexpr std::size_t kProbesAtOnce = 512;

/// The document to test, and which node this is, if somebody said so.
struct Subject {
  ValidDocument document;
  std::optional<NodeName> node;
};

std::optional<Subject> ask_for_subject(const DiffOptions& options) {
  const auto document = ask_daemon(options.api, {"/v1/document", std::nullopt, {}});
  const auto status = ask_daemon(options.api, Request{});
  if (!document || !status) {
    complain((document ? status : document).error().message);
    return std::nullopt;
  }
  const Json object = Json::parse(status->body, nullptr, /*allow_exceptions=*/false);
  auto read = read_document(document->body, kMaxLargeDocumentBytes);
  if (document->status != 200 || !object.is_object() ||
      !std::holds_alternative<ValidDocument>(read)) {
    complain("the daemon on " + options.api + " has no document in force");
    return std::nullopt;
  }
  const NodeName node = options.node.value_or(object.value("node", ""));
  return Subject{std::get<ValidDocument>(std::move(read)),
                 node.empty() ? std::nullopt : std::optional(node)};
}

std::optional<Subject> find_subject(const DiffOptions& options) {
  if (options.file.empty()) return ask_for_subject(options);
  auto loaded = load_or_complain(options.file, options.large);
  if (!loaded) return std::nullopt;
  return Subject{std::move(loaded->document), options.node};
}

/// Locally administered, and no group's.
MacAddress made_up_mac() {
  std::random_device random;
  std::array<std::uint8_t, 6> bytes{0x02, 0x74, 0x62};
  for (std::size_t at = 3; at < bytes.size(); ++at) bytes[at] = static_cast<std::uint8_t>(random());
  return MacAddress::from_bytes(bytes);
}

using Place = std::pair<InterfaceName, IpAddress>;

/// Where the peers' addresses are to be found: on every interface that carries a VIP.
std::set<Place> places_of_peers(const Document& document, const NodeName& self) {
  std::set<Place> places;
  for (const auto& [vip_name, vip] : document.vips)
    for (const auto& [name, node] : document.nodes)
      for (const IpAddress& address : node.addresses)
        if (name != self) places.emplace(vip.interface, address);
  return places;
}

NeighbourMacs known_neighbours(const std::set<Place>& places) {
  NeighbourMacs macs;
  std::map<InterfaceName, std::map<IpAddress, MacAddress>> tables;
  for (const auto& [interface, address] : places) {
    if (!tables.contains(interface))
      if (auto read = neighbours(interface)) tables[interface] = *std::move(read);
    const auto found = tables[interface].find(address);
    if (found != tables[interface].end()) macs.emplace(Place(interface, address), found->second);
  }
  return macs;
}

/// By the kernel's table, which is made to ask the wire first. What stays unknown is left out: the
/// document's MAC is then taken, and the probe shows what is wrong.
NeighbourMacs find_neighbours(const Document& document, const NodeName& self) {
  const std::set<Place> places = places_of_peers(document, self);
  for (const auto& [interface, address] : places)
    static_cast<void>(ask_for_neighbour(interface, address));
  const auto deadline = Clock::now() + kNeighbourPatience;
  for (;;) {
    NeighbourMacs macs = known_neighbours(places);
    if (macs.size() == places.size() || Clock::now() >= deadline) return macs;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
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
  for (const SelftestListener& wanted : selftest_listeners(place))
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
