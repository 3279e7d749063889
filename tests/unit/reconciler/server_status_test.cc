#include "reconciler/server_status.h"

#include <doctest/doctest.h>

using namespace twobox;
using namespace std::chrono_literals;

namespace {

const IpvsServiceKey kService = Endpoint{*IpAddress::parse("172.16.0.30"), Protocol::kTcp, 80};
const std::map<IpvsServiceKey, VipName> kVips = {{kService, "web"}};

RealServerKey server(int number) {
  return {kService, *IpAddress::parse("172.16.0." + std::to_string(number)), 80};
}

Moment at(int seconds) {
  return {SteadyTime{} + std::chrono::seconds(seconds), WallTime{std::chrono::seconds(seconds)}};
}

ServerHealth verdict(Health health, const std::string& cause = "") {
  ServerHealth of;
  of.health = health;
  of.since = at(5);
  of.cause = cause;
  of.transitions = 3;
  return of;
}

ServerStatus status(int number, Health health, const std::string& cause = "") {
  return {"web", server(number), verdict(health, cause)};
}

}  // namespace

TEST_CASE("a server is listed when it is checked, drains, or serves as fallback") {
  DesiredState desired;
  desired.quorums[kService] = {0, 1, server(40)};
  desired.leaving.servers[server(32)] = {60s, false};
  const HealthMap health = {{server(31), verdict(Health::kDown, "refused")},
                            {{FirewallMark{AddressFamily::kIpv4, 7}, server(31).address, 80},
                             verdict(Health::kUp)}};  // of a service that is gone
  const std::map<RealServerKey, std::uint32_t> draining = {{server(32), 4}};
  const DrainBegins begins = {{server(32), at(90).steady}};
  const auto list = server_statuses({desired, health, draining, begins}, kVips, at(100));
  REQUIRE(list.size() == 3);
  CHECK(list[0].server == server(31));
  CHECK(list[0].vip == "web");
  CHECK(list[0].health->cause == "refused");
  CHECK_FALSE(list[0].drain.has_value());
  CHECK(list[1].server == server(32));
  CHECK_FALSE(list[1].health.has_value());
  CHECK(list[1].drain == DrainStatus{at(90).wall, at(150).wall, 4});
  CHECK(list[2].server == server(40));
  CHECK(list[2].is_fallback);
}

TEST_CASE("whether servers are healthy is said where any is checked") {
  CHECK_FALSE(servers_healthy({}).has_value());
  CHECK_FALSE(servers_healthy({{"web", server(31)}}).has_value());
  const auto up = servers_healthy({status(31, Health::kUp), status(32, Health::kUp)});
  REQUIRE(up.has_value());
  CHECK(up->holds);
  CHECK(up->message == "all 2 checked servers are up");
  const auto unknown = servers_healthy({status(31, Health::kUp), status(32, Health::kUnknown)});
  CHECK_FALSE(unknown->holds);
  CHECK(unknown->reason == "NoVerdictYet");
  const auto down = servers_healthy(
      {status(31, Health::kDown, "connection refused"), status(32, Health::kUnknown)});
  CHECK(down->reason == "ServersDown");
  CHECK(down->message == "vip web, tcp 172.16.0.30:80 -> 172.16.0.31:80: connection refused");
}

TEST_CASE("of many that are down the first few are named") {
  std::vector<ServerStatus> servers;
  for (int i = 1; i <= 7; ++i) servers.push_back(status(i, Health::kDown, "x"));
  const std::string message = servers_healthy(servers)->message;
  CHECK(message.find("172.16.0.5:80") != std::string::npos);
  CHECK(message.find("172.16.0.6:80") == std::string::npos);
  CHECK(message.ends_with("; and 2 more"));
}

TEST_CASE("a quorum that is not reached is said, with what comes of it") {
  DesiredState desired;
  CHECK_FALSE(quorum_reached(desired, kVips).has_value());
  desired.quorums[kService] = {2, 2, {}};
  CHECK(quorum_reached(desired, kVips)->holds);
  desired.quorums[kService] = {1, 2, {}};
  CHECK(quorum_reached(desired, kVips)->reason == "BelowQuorum");
  CHECK(quorum_reached(desired, kVips)->message ==
        "vip web, tcp 172.16.0.30:80: 1 of the 2 servers it needs take new connections");
  desired.quorums[kService] = {0, 1, server(40)};
  CHECK(quorum_reached(desired, kVips)->reason == "OnFallback");
  CHECK(quorum_reached(desired, kVips)->message ==
        "vip web, tcp 172.16.0.30:80: 0 of the 1 servers it needs take new connections, so the "
        "fallback 172.16.0.40:80 does");
  desired.quorums[kService] = {0, 1, {}};
  CHECK(quorum_reached(desired, kVips)->reason == "NoServer");
  CHECK(quorum_reached(desired, kVips)->message ==
        "vip web, tcp 172.16.0.30:80: no server takes new connections, so clients are refused");
}
