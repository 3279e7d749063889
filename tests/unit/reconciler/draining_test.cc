// Servers that leave: against a kernel in memory, pass by pass.
#include "reconciler/draining.h"

#include <doctest/doctest.h>

#include "reconciler/reconcile.h"
#include "tests/support/fake_kernel.h"

using namespace twobox;
using namespace std::chrono_literals;
using twobox::testing::FakeKernel;
using twobox::testing::MemoryOwnership;

namespace {

ValidDocument document_of(const std::string& servers, const std::string& service_fields,
                          const std::string& protocol = "tcp") {
  auto read = read_document(R"({"version": 1, "nodes": {
    "a": {"addresses": ["172.16.0.31"], "macs": ["08:00:27:77:84:ef"]},
    "b": {"addresses": ["172.16.0.32", "2001:db8::32"], "macs": ["08:00:27:e1:3c:c5"]}},
   "vips": {"web": {"address": "172.16.0.30", "interface": "enp0s3", "role": "master",
     "bypass": "none", "services": [{"protocol": ")" +
                            protocol + R"(", "port": 80, "servers": )" + servers + service_fields +
                            "}]}}}");
  if (const auto* faults = std::get_if<Faults>(&read)) FAIL(to_string(faults->front()));
  return std::get<ValidDocument>(std::move(read));
}

const std::string kBoth = R"([{"node": "a"}, {"node": "b"}])";
const std::string kOnlyA = R"([{"node": "a"}])";
const std::string kDrain = R"(, "drain": "60s")";

RealServerKey b_of(Protocol protocol = Protocol::kTcp) {
  return {Endpoint{*IpAddress::parse("172.16.0.30"), protocol, 80},
          *IpAddress::parse("172.16.0.32"), 80};
}

/// A daemon's memory, and its kernel.
class Machinery {
 public:
  explicit Machinery(const ValidDocument& first) { pass(first); }

  PassReport pass(const ValidDocument& document, const DrainOverrides& drains = {}) {
    const DesiredState desired = resolve(document, "a", {{"web", Role::kMaster}},
                                         {&health, drains, remembers ? &begins : nullptr, now});
    auto report = reconcile_once(desired, kernel, ownership, refusals, now);
    REQUIRE(report.has_value());
    CHECK(report->remaining.in_sync() == converges);
    begins = still_draining(begins, report->draining, now);
    return *std::move(report);
  }

  std::optional<std::uint32_t> weight(const RealServerKey& server) const {
    const auto found = kernel.state.kernel.ipvs_servers.find(server);
    if (found == kernel.state.kernel.ipvs_servers.end()) return std::nullopt;
    return found->second.weight;
  }

  FakeKernel kernel;
  MemoryOwnership ownership;
  Refusals refusals;
  HealthMap health;
  DrainBegins begins;
  bool remembers = true;
  bool converges = true;
  SteadyTime now{};
};

}  // namespace

TEST_CASE("a server that left the document keeps its connections until none is left") {
  Machinery machine(document_of(kBoth, kDrain));
  const auto without_b = document_of(kOnlyA, kDrain);
  REQUIRE(machine.weight(b_of()) == 1U);
  machine.kernel.state.connections[b_of()] = {3, 40};

  const PassReport first = machine.pass(without_b);
  CHECK(machine.weight(b_of()) == 0U);
  CHECK(first.draining == std::map<RealServerKey, std::uint32_t>{{b_of(), 3}});
  machine.now += 5s;
  CHECK(machine.pass(without_b).planned.in_sync());
  CHECK(machine.weight(b_of()) == 0U);

  // What has been closed is of no interest.
  machine.kernel.state.connections[b_of()] = {0, 43};
  machine.now += 1s;
  const PassReport last = machine.pass(without_b);
  CHECK_FALSE(machine.weight(b_of()).has_value());
  CHECK(last.draining.empty());
  CHECK(machine.begins.empty());
}

TEST_CASE("an idle server first loses its weight, then a second later goes") {
  Machinery machine(document_of(kBoth, kDrain));
  const auto without_b = document_of(kOnlyA, kDrain);
  machine.pass(without_b);
  CHECK(machine.weight(b_of()) == 0U);
  machine.now += 900ms;
  machine.pass(without_b);
  CHECK(machine.weight(b_of()) == 0U);
  machine.now += 100ms;
  machine.pass(without_b);
  CHECK_FALSE(machine.weight(b_of()).has_value());
}

TEST_CASE("the deadline ends a drain whatever is left") {
  Machinery machine(document_of(kBoth, kDrain));
  const auto without_b = document_of(kOnlyA, kDrain);
  machine.kernel.state.connections[b_of()] = {1, 0};
  machine.pass(without_b);
  machine.now += 59s;
  machine.pass(without_b);
  CHECK(machine.weight(b_of()) == 0U);
  machine.now += 1s;
  machine.pass(without_b);
  CHECK_FALSE(machine.weight(b_of()).has_value());
}

TEST_CASE("a daemon that starts anew begins to count anew") {
  Machinery machine(document_of(kBoth, kDrain));
  const auto without_b = document_of(kOnlyA, kDrain);
  machine.kernel.state.connections[b_of()] = {1, 0};
  machine.pass(without_b);
  machine.now += 59s;
  machine.begins.clear();
  machine.pass(without_b);
  machine.now += 59s;
  machine.pass(without_b);
  CHECK(machine.weight(b_of()) == 0U);
  machine.now += 1s;
  machine.pass(without_b);
  CHECK_FALSE(machine.weight(b_of()).has_value());
}

TEST_CASE("without a drain in the document a server goes at once") {
  Machinery machine(document_of(kBoth, ""));
  machine.kernel.state.connections[b_of()] = {3, 0};
  machine.pass(document_of(kOnlyA, ""));
  CHECK_FALSE(machine.weight(b_of()).has_value());
}

TEST_CASE("with UDP every connection counts") {
  const RealServerKey b = b_of(Protocol::kUdp);
  Machinery machine(document_of(kBoth, kDrain, "udp"));
  const auto without_b = document_of(kOnlyA, kDrain, "udp");
  machine.kernel.state.connections[b] = {0, 2};
  CHECK(machine.pass(without_b).draining == std::map<RealServerKey, std::uint32_t>{{b, 2}});
  machine.now += 2s;
  machine.pass(without_b);
  CHECK(machine.weight(b) == 0U);
  machine.kernel.state.connections.clear();
  machine.now += 1s;
  machine.pass(without_b);
  CHECK_FALSE(machine.weight(b).has_value());
}

TEST_CASE("a drain by hand, and its end") {
  const auto document = document_of(kBoth, "");
  Machinery machine(document);
  machine.kernel.state.connections[b_of()] = {1, 0};
  machine.pass(document, {{"b", 10s}});
  CHECK(machine.weight(b_of()) == 0U);
  machine.now += 2s;
  machine.pass(document);
  CHECK(machine.weight(b_of()) == 1U);
  CHECK(machine.begins.empty());

  machine.kernel.state.connections.clear();
  machine.pass(document, {{"b", 10s}});
  machine.now += 1s;
  machine.pass(document, {{"b", 10s}});
  CHECK_FALSE(machine.weight(b_of()).has_value());
  // It stays away, and nothing is left to do.
  machine.now += 100s;
  CHECK(machine.pass(document, {{"b", 10s}}).planned.in_sync());
  machine.pass(document);
  CHECK(machine.weight(b_of()) == 1U);
}

TEST_CASE("what was never there is not made in order to drain") {
  Machinery machine(document_of(kOnlyA, ""));
  machine.pass(document_of(kBoth, ""), {{"b", 10s}});
  CHECK_FALSE(machine.weight(b_of()).has_value());
}

TEST_CASE("a server that fails while it drains goes at once") {
  const std::string check = R"(, "check": {"type": "tcp"})";
  const auto document = document_of(kBoth, check + kDrain);
  Machinery machine(document_of(kBoth, ""));
  ServerHealth up;
  up.health = Health::kUp;
  const RealServerKey a{b_of().service, *IpAddress::parse("172.16.0.31"), 80};
  machine.health = {{a, up}, {b_of(), up}};
  machine.kernel.state.connections[b_of()] = {1, 0};
  machine.pass(document, {{"b", 10s}});
  CHECK(machine.weight(b_of()) == 0U);
  machine.health[b_of()].health = Health::kDown;
  machine.pass(document, {{"b", 10s}});
  CHECK_FALSE(machine.weight(b_of()).has_value());
}

TEST_CASE("one that fails does not drain, though its service does") {
  const std::string check = R"(, "check": {"type": "tcp"})";
  Machinery machine(document_of(kBoth, ""));
  ServerHealth down;
  down.health = Health::kDown;
  machine.health = {{b_of(), down}};
  machine.kernel.state.connections[b_of()] = {1, 0};
  machine.pass(document_of(kBoth, check + kDrain));
  CHECK_FALSE(machine.weight(b_of()).has_value());
}

TEST_CASE("a service that goes takes its servers along") {
  Machinery machine(document_of(kBoth, kDrain));
  machine.kernel.state.connections[b_of()] = {1, 0};
  auto read = read_document(R"({"version": 1, "nodes": {
    "a": {"addresses": ["172.16.0.31"], "macs": ["08:00:27:77:84:ef"]},
    "b": {"addresses": ["172.16.0.32"], "macs": ["08:00:27:e1:3c:c5"]}},
   "vips": {"web": {"address": "172.16.0.30", "interface": "enp0s3", "role": "master",
     "bypass": "none", "services": []}}})");
  REQUIRE(std::holds_alternative<ValidDocument>(read));
  machine.pass(std::get<ValidDocument>(read));
  CHECK(machine.kernel.state.kernel.ipvs_servers.empty());
}

TEST_CASE("applying once takes the weight; applying again takes the server") {
  Machinery machine(document_of(kBoth, kDrain));
  machine.remembers = false;
  const auto without_b = document_of(kOnlyA, kDrain);
  machine.kernel.state.connections[b_of()] = {1, 0};
  CHECK(machine.pass(without_b).draining.size() == 1);
  CHECK(machine.weight(b_of()) == 0U);
  machine.kernel.state.connections.clear();
  CHECK(machine.pass(without_b).draining.empty());
  CHECK_FALSE(machine.weight(b_of()).has_value());
}

TEST_CASE("applying once to an idle server leaves something to do, and says so") {
  Machinery machine(document_of(kBoth, kDrain));
  machine.remembers = false;
  machine.converges = false;
  CHECK(machine.pass(document_of(kOnlyA, kDrain)).remaining.steps.size() == 1);
  CHECK(machine.weight(b_of()) == 0U);
}

TEST_CASE("connections are only read where something may drain") {
  const DesiredState plain =
      resolve(document_of(kBoth, ""), "a", {{"web", Role::kMaster}}, ServerEvidence{});
  CHECK_FALSE(scope_of(plain, {}).connections);
  const DesiredState drains =
      resolve(document_of(kBoth, kDrain), "a", {{"web", Role::kMaster}}, ServerEvidence{});
  CHECK(scope_of(drains, {}).connections);
}

TEST_CASE("what drains has one name") {
  const ValidDocument document =
      document_of(R"([{"node": "a"}, {"address": "172.16.0.9", "port": 8080,
                      "forwarding": "masquerade"}])",
                  R"(, "fallback": {"address": "172.16.0.40"})");
  CHECK(drain_name(*document, "b") == "b");
  CHECK(drain_name(*document, "172.16.0.31") == "172.16.0.31");
  CHECK(drain_name(*document, "172.16.0.31:80") == "172.16.0.31:80");
  CHECK(drain_name(*document, "172.16.0.9:8080") == "172.16.0.9:8080");
  CHECK(drain_name(*document, "172.16.0.40") == "172.16.0.40");
  for (const char* unknown :
       {"", "c", "172.16.0.31:81", "172.16.0.9:80", "172.16.0.32", "172.16.0.31:", "172.16.0.31:0",
        "172.16.0.31:80x", "[172.16.0.31]:80", "172.16.0.31:65616", ":80", "[]:80"}) {
    CAPTURE(unknown);
    CHECK_FALSE(drain_name(*document, unknown).has_value());
  }
}

TEST_CASE("IPv6 servers are named with and without their port") {
  auto read = read_document(R"({"version": 1, "nodes": {
    "a": {"addresses": ["2001:db8::31"], "macs": ["08:00:27:77:84:ef"]},
    "b": {"addresses": ["2001:db8::32"], "macs": ["08:00:27:e1:3c:c5"]}},
   "vips": {"web": {"address": "2001:db8::30", "interface": "enp0s3", "role": "master",
     "bypass": "none", "services": [{"protocol": "tcp", "port": 80}]}}})");
  REQUIRE(std::holds_alternative<ValidDocument>(read));
  const auto& document = std::get<ValidDocument>(read);
  CHECK(drain_name(*document, "2001:DB8:0::32") == "2001:db8::32");
  CHECK(drain_name(*document, "[2001:db8::32]:80") == "[2001:db8::32]:80");
  CHECK_FALSE(drain_name(*document, "2001:db8::32:80").has_value());
}
