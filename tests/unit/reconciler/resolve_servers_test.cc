// What health and drains make of a service's real servers.
#include <doctest/doctest.h>

#include "reconciler/plan.h"
#include "reconciler/resolve.h"
#include "tests/support/lines.h"

using namespace twobox;
using namespace std::chrono_literals;

namespace {

const IpAddress kVip = *IpAddress::parse("172.16.0.30");
const IpvsServiceKey kService = Endpoint{kVip, Protocol::kTcp, 80};

RealServerKey server(const std::string& address, std::uint16_t port = 80,
                     const IpvsServiceKey& service = kService) {
  return {service, *IpAddress::parse(address), port};
}
const RealServerKey kA = server("172.16.0.31");
const RealServerKey kB = server("172.16.0.32");
const RealServerKey kFallback = server("172.16.0.40");

const SteadyTime kNow = SteadyTime{} + 1000s;

ServerHealth verdict(Health health, std::uint64_t transitions = 0,
                     std::chrono::seconds age = 100s) {
  ServerHealth of;
  of.health = health;
  of.since.steady = kNow - age;
  of.cause = health == Health::kUp ? "" : "connect to it: connection refused";
  of.transitions = transitions;
  return of;
}

/// A document whose only service has `fields` beside protocol, port and scheduler, and servers a
/// (weight 10) and b (weight 20).
ValidDocument document_with(const std::string& fields, const std::string& node_b = "",
                            const std::string& vip = R"("bypass": "redirect")") {
  const std::string text = R"({"version": 1, "nodes": {
    "a": {"addresses": ["172.16.0.31"], "macs": ["08:00:27:77:84:ef"]},
    "b": {"addresses": ["172.16.0.32"], "macs": ["08:00:27:e1:3c:c5"])" +
                           node_b + R"(}},
   "vips": {"web": {"address": "172.16.0.30", "interface": "enp0s3", "role": {"master": "a"}, )" +
                           vip + R"(,
     "services": [{"protocol": "tcp", "port": 80, "scheduler": "wrr", "servers": [
       {"node": "a", "weight": 10}, {"node": "b", "weight": 20}])" +
                           fields + "}]}}}";
  auto read = read_document(text);
  if (const auto* faults = std::get_if<Faults>(&read)) FAIL(to_string(faults->front()));
  return std::get<ValidDocument>(std::move(read));
}
const std::string kCheck = R"(, "check": {"type": "tcp"})";

DesiredState resolved(const ValidDocument& document, const HealthMap& health,
                      const DrainOverrides& drains = {}) {
  return resolve(document, "a", {{"web", Role::kMaster}}, {&health, drains, nullptr, kNow});
}

/// The weights of the servers wanted.
std::map<RealServerKey, std::uint32_t> weights(const DesiredState& desired) {
  std::map<RealServerKey, std::uint32_t> weights;
  for (const auto& [key, config] : desired.kernel.ipvs_servers) weights[key] = config.weight;
  return weights;
}
using Weights = std::map<RealServerKey, std::uint32_t>;

std::optional<std::string> held(const DesiredState& desired, const std::string& name) {
  const auto found = desired.kernel.sysctls.find(SysctlKey{name});
  if (found == desired.kernel.sysctls.end()) return std::nullopt;
  return found->second.value;
}
constexpr char kNoDest[] = "net.ipv4.vs.expire_nodest_conn";
constexpr char kQuiescent[] = "net.ipv4.vs.expire_quiescent_template";

}  // namespace

TEST_CASE("without a check all servers are wanted, whatever is said of them") {
  const DesiredState desired =
      resolved(document_with(""), {{kA, verdict(Health::kDown)}, {kB, verdict(Health::kUnknown)}});
  CHECK(weights(desired) == Weights{{kA, 10}, {kB, 20}});
  CHECK(desired.untouched.empty());
  CHECK(desired.quorums.empty());
}

TEST_CASE("where nobody checks, all servers are taken to be well") {
  const DesiredState desired =
      resolve(document_with(kCheck), "a", {{"web", Role::kMaster}}, ServerEvidence{});
  CHECK(weights(desired) == Weights{{kA, 10}, {kB, 20}});
}

TEST_CASE("a server without a verdict is untouched; its service exists") {
  const DesiredState desired = resolved(document_with(kCheck), {{kA, verdict(Health::kUnknown)}});
  CHECK(weights(desired).empty());
  CHECK(desired.untouched == std::set<RealServerKey>{kA, kB});
  CHECK(desired.kernel.ipvs_services.contains(kService));
  CHECK(desired.quorums.at(kService).serving == 2);
}

TEST_CASE("the plan neither makes, edits nor removes an untouched server") {
  const DesiredState desired = resolved(document_with(kCheck), {});
  ObservedState observed;
  observed.kernel = desired.kernel;
  CHECK(make_plan(desired, observed, {}).steps.empty());
  RealServerConfig other;
  other.weight = 7;
  observed.kernel.ipvs_servers[kA] = other;
  CHECK(make_plan(desired, observed, {}).steps.empty());
  // One that the document does not have is none of them.
  observed.kernel.ipvs_servers[server("172.16.0.99")] = other;
  REQUIRE(make_plan(desired, observed, {}).steps.size() == 1);
}

TEST_CASE("a server that is down goes, or keeps its connections without weight") {
  const HealthMap health = {{kA, verdict(Health::kUp)}, {kB, verdict(Health::kDown)}};
  CHECK(weights(resolved(document_with(kCheck), health)) == Weights{{kA, 10}});
  const DesiredState kept =
      resolved(document_with(kCheck + R"(, "on_failure": "weight-zero")"), health);
  CHECK(weights(kept) == Weights{{kA, 10}, {kB, 0}});
  CHECK(kept.server_reasons.at(kB) == "its checks fail: connect to it: connection refused");
}

TEST_CASE("the local server fails like any other: all goes to the peer") {
  const HealthMap health = {{kA, verdict(Health::kDown)}, {kB, verdict(Health::kUp)}};
  CHECK(weights(resolved(document_with(kCheck), health)) == Weights{{kB, 20}});
}

TEST_CASE("with none up and no fallback nothing is left") {
  const HealthMap health = {{kA, verdict(Health::kDown)}, {kB, verdict(Health::kDown)}};
  const DesiredState desired = resolved(document_with(kCheck), health);
  CHECK(weights(desired).empty());
  CHECK(desired.untouched.empty());
  CHECK(desired.kernel.ipvs_services.contains(kService));
  CHECK(desired.quorums.at(kService) == QuorumState{0, 1, {}});
}

TEST_CASE("below the quorum the fallback takes all new connections") {
  const std::string fallback = R"(, "fallback": {"address": "172.16.0.40", "weight": 5})";
  const HealthMap one_down = {{kA, verdict(Health::kUp)}, {kB, verdict(Health::kDown)}};
  CHECK(weights(resolved(document_with(kCheck + fallback), one_down)) == Weights{{kA, 10}});
  const DesiredState two_wanted =
      resolved(document_with(kCheck + fallback + R"(, "quorum": 2)"), one_down);
  CHECK(weights(two_wanted) == Weights{{kA, 0}, {kFallback, 5}});
  CHECK(two_wanted.quorums.at(kService) == QuorumState{1, 2, kFallback});
  const HealthMap all_down = {{kA, verdict(Health::kDown)}, {kB, verdict(Health::kDown)}};
  CHECK(weights(resolved(document_with(kCheck + fallback), all_down)) == Weights{{kFallback, 5}});
}

TEST_CASE("below the quorum without a fallback those that are up go on") {
  const HealthMap one_down = {{kA, verdict(Health::kUp)}, {kB, verdict(Health::kDown)}};
  const DesiredState desired = resolved(document_with(kCheck + R"(, "quorum": 2)"), one_down);
  CHECK(weights(desired) == Weights{{kA, 10}});
  CHECK(desired.quorums.at(kService) == QuorumState{1, 2, {}});
}

TEST_CASE("a restart does not switch to the fallback: no verdict counts as up") {
  const std::string fields = kCheck + R"(, "quorum": 2, "fallback": {"address": "172.16.0.40"})";
  const DesiredState desired = resolved(document_with(fields), {{kA, verdict(Health::kUp)}});
  CHECK(weights(desired) == Weights{{kA, 10}});
  CHECK(desired.untouched == std::set<RealServerKey>{kB});
}

TEST_CASE("weight 0 in the document does not count for the quorum") {
  const auto document = read_document(R"({"version": 1, "nodes": {
    "a": {"addresses": ["172.16.0.31"], "macs": ["08:00:27:77:84:ef"]},
    "b": {"addresses": ["172.16.0.32"], "macs": ["08:00:27:e1:3c:c5"]}},
   "vips": {"web": {"address": "172.16.0.30", "interface": "enp0s3", "role": "master",
     "bypass": "none", "services": [{"protocol": "tcp", "port": 80,
       "servers": [{"node": "a", "weight": 0}], "fallback": {"node": "b"}}]}}})");
  REQUIRE(std::holds_alternative<ValidDocument>(document));
  CHECK(weights(resolved(std::get<ValidDocument>(document), {})) == Weights{{kA, 0}, {kB, 1}});
}

TEST_CASE("a server that has come up again gets its weight step by step") {
  const auto document = document_with(kCheck + R"(, "slow_start": "90s")");
  const auto b_up = [&](std::uint64_t transitions, std::chrono::seconds age) {
    return resolved(document,
                    {{kA, verdict(Health::kUp)}, {kB, verdict(Health::kUp, transitions, age)}});
  };
  CHECK(weights(b_up(2, 0s)).at(kB) == 2);
  CHECK(b_up(2, 0s).next_change == kNow + 10s);
  CHECK(weights(b_up(2, 45s)).at(kB) == 10);
  CHECK(weights(b_up(2, 90s)).at(kB) == 20);
  CHECK_FALSE(b_up(2, 90s).next_change.has_value());
  // It was up when it was first asked, and had been serving all along.
  CHECK(weights(b_up(0, 0s)).at(kB) == 20);
  CHECK(weights(b_up(2, 0s)).at(kA) == 10);
}

TEST_CASE("a server drains by its own word, its node's, or by hand") {
  const HealthMap nothing;
  const auto by_node = resolved(document_with("", R"(, "drain": "30s")"), nothing);
  CHECK(weights(by_node) == Weights{{kA, 10}});
  CHECK(by_node.leaving.servers == std::map<RealServerKey, Drain>{{kB, {30s, false}}});
  for (const char* name : {"b", "172.16.0.32", "172.16.0.32:80"}) {
    CAPTURE(name);
    const auto by_hand = resolved(document_with("", R"(, "drain": "30s")"), nothing, {{name, 5s}});
    CHECK(by_hand.leaving.servers == std::map<RealServerKey, Drain>{{kB, {5s, false}}});
  }
  CHECK(weights(resolved(document_with(""), nothing, {{"172.16.0.32:81", 5s}, {"c", 5s}})) ==
        Weights{{kA, 10}, {kB, 20}});
}

TEST_CASE("a drain of the last servers is done, and said") {
  const DesiredState desired = resolved(document_with(""), {}, {{"a", 5s}, {"b", 5s}});
  CHECK(weights(desired).empty());
  CHECK(desired.quorums.at(kService) == QuorumState{0, 1, {}});
  const std::string fallback = R"(, "fallback": {"address": "172.16.0.40"})";
  CHECK(weights(resolved(document_with(fallback), {}, {{"a", 5s}, {"b", 5s}})) ==
        Weights{{kFallback, 1}});
}

TEST_CASE("a fallback that is withdrawn drains, for a minute if nothing else is said") {
  const std::string fallback = R"(, "fallback": {"address": "172.16.0.40"})";
  const DesiredState desired = resolved(document_with(kCheck + fallback), {});
  CHECK_FALSE(desired.kernel.ipvs_servers.contains(kFallback));
  CHECK(desired.leaving.rule_of(kFallback)->deadline == 60s);
  CHECK(resolved(document_with(kCheck + fallback + R"(, "drain": "5s")"), {})
            .leaving.rule_of(kFallback)
            ->deadline == 5s);
}

TEST_CASE("a fallback that drains does not serve") {
  const std::string fallback = R"(, "fallback": {"address": "172.16.0.40"})";
  const DesiredState desired =
      resolved(document_with(kCheck + fallback),
               {{kA, verdict(Health::kDown)}, {kB, verdict(Health::kDown)}}, {{"172.16.0.40", 5s}});
  CHECK(weights(desired).empty());
  CHECK(desired.leaving.servers.contains(kFallback));
}

TEST_CASE("what drains and fails goes at once") {
  const DesiredState desired =
      resolved(document_with(kCheck), {{kA, verdict(Health::kUp)}, {kB, verdict(Health::kDown)}},
               {{"b", 5s}});
  CHECK(desired.leaving.stages.at(kB) == DrainStage::kOver);
  CHECK_FALSE(desired.leaving.servers.contains(kB));
}

TEST_CASE("connections and templates of servers that may go are let expire") {
  const HealthMap nothing;
  CHECK_FALSE(held(resolved(document_with(""), nothing), kNoDest).has_value());
  CHECK(held(resolved(document_with(kCheck), nothing), kNoDest) == "1");
  const std::string drain = R"(, "drain": "30s")";
  const std::string persists = R"(, "persistence_timeout": 60)";
  CHECK(held(resolved(document_with(drain), nothing), kNoDest) == "1");
  CHECK_FALSE(held(resolved(document_with(drain), nothing), kQuiescent).has_value());
  CHECK(held(resolved(document_with(drain + persists), nothing), kQuiescent) == "1");
  CHECK_FALSE(held(resolved(document_with(persists), nothing), kQuiescent).has_value());
  CHECK(held(resolved(document_with(persists), nothing, {{"b", 5s}}), kQuiescent) == "1");
  CHECK_FALSE(held(resolved(document_with(kCheck + persists), nothing), kQuiescent).has_value());
  CHECK(
      held(resolved(document_with(kCheck + persists + R"(, "on_failure": "weight-zero")"), nothing),
           kQuiescent) == "1");
}

TEST_CASE("a document's own sysctl has the last word") {
  const auto read = read_document(R"({"version": 1, "nodes": {
    "a": {"addresses": ["172.16.0.31"], "macs": ["08:00:27:77:84:ef"]},
    "b": {"addresses": ["172.16.0.32"], "macs": ["08:00:27:e1:3c:c5"]}},
   "vips": {"web": {"address": "172.16.0.30", "interface": "enp0s3", "role": "master",
     "bypass": "none", "services": [
       {"protocol": "udp", "port": 53, "check": {"type": "tcp", "port": 53}}]}},
   "sysctls": {"net.ipv4.vs.expire_nodest_conn": "0"}})");
  REQUIRE(std::holds_alternative<ValidDocument>(read));
  CHECK(held(resolved(std::get<ValidDocument>(read), {}), kNoDest) == "0");
}

TEST_CASE("health and drains are the same with a mark") {
  const auto document = document_with(kCheck + R"(, "mark": 3)", "", R"("bypass": "mac-mark")");
  const IpvsServiceKey mark = FirewallMark{AddressFamily::kIpv4, 3};
  const RealServerKey a = server("172.16.0.31", 80, mark);
  const RealServerKey b = server("172.16.0.32", 80, mark);
  CHECK(weights(resolved(document, {{a, verdict(Health::kUp)}, {b, verdict(Health::kDown)}})) ==
        Weights{{a, 10}});
  CHECK(resolved(document, {{a, verdict(Health::kUp)}, {b, verdict(Health::kUp)}}, {{"b", 5s}})
            .leaving.servers.contains(b));
}
