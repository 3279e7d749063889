#include "reconciler/check_targets.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using namespace twobox;

namespace {

constexpr char kTwoNodes[] = R"({"version": 1,
  "nodes": {"a": {"addresses": ["172.16.0.31"], "macs": ["08:00:27:77:84:ef"]},
            "b": {"addresses": ["172.16.0.32"], "macs": ["08:00:27:e1:3c:c5"]}},
  "vips": {"web": {"address": "172.16.0.30", "interface": "enp0s3", "role": {"master": "a"},
                   "bypass": "redirect", "services": [{"protocol": "tcp", "port": 80},
                                                      {"protocol": "tcp", "port": 81}]}}})";

Document two_nodes() {
  const auto read = read_document(kTwoNodes);
  REQUIRE(std::holds_alternative<ValidDocument>(read));
  return *std::get<ValidDocument>(read);
}

IpAddress ip(std::string_view text) {
  return IpAddress::parse(text).value();
}

Port port(std::uint16_t number) {
  return Port::from_number(number).value();
}

Server server_at(std::string_view address) {
  Server server;
  server.target = ip(address);
  return server;
}

std::vector<CheckTarget> targets_on(const NodeName& node, Document document) {
  const auto valid = validate(std::move(document));
  REQUIRE(std::holds_alternative<ValidDocument>(valid));
  auto targets = check_targets(std::get<ValidDocument>(valid), node);
  std::ranges::sort(targets, {}, &CheckTarget::server);
  return targets;
}

Service& first_service(Document& document) {
  return document.vips.at("web").services.front();
}

}  // namespace

TEST_CASE("check targets: only services with a check, and all of their servers") {
  Document document = two_nodes();
  CHECK(targets_on("a", document).empty());

  first_service(document).check = Check{};
  const auto targets = targets_on("a", document);
  REQUIRE(targets.size() == 2);
  const RealServerKey own{Endpoint{ip("172.16.0.30"), Protocol::kTcp, 80}, ip("172.16.0.31"), 80};
  CHECK(targets[0].server == own);
  CHECK(targets[0].address == ip("172.16.0.31"));
  CHECK(targets[0].port == port(80));
  CHECK(targets[0].is_local);
  CHECK(targets[0].vip == ip("172.16.0.30"));
  CHECK(targets[0].service_port == port(80));
  CHECK(targets[1].address == ip("172.16.0.32"));
  CHECK_FALSE(targets[1].is_local);
  CHECK(targets[1].macs == document.nodes.at("b").macs);
  CHECK(targets_on("b", document)[1].is_local);
}

TEST_CASE("check targets: ports, addresses of other machines, and a fallback") {
  Document document = two_nodes();
  Service& service = first_service(document);
  service.check = Check{};
  service.servers = {server_at("172.16.0.31"), server_at("192.0.2.9")};
  service.servers->front().port = port(8080);
  service.fallback = server_at("192.0.2.10");
  auto targets = targets_on("a", document);
  REQUIRE(targets.size() == 2);
  CHECK(targets[0].server.port == 8080);
  CHECK(targets[0].port == port(8080));
  CHECK(targets[0].is_local);  // by the address: it is a's
  CHECK(targets[0].macs == document.nodes.at("a").macs);
  CHECK(targets[1].port == port(80));
  CHECK_FALSE(targets[1].is_local);
  CHECK(targets[1].macs.empty());

  service.check->port = port(9000);
  targets = targets_on("a", document);
  CHECK(targets[0].server.port == 8080);
  CHECK(targets[0].port == port(9000));
}

TEST_CASE("check targets: what is said of a server in commands and paths") {
  Document document = two_nodes();
  Check check;
  check.how = ExecCheck{{"/bin/check", "{node}@{address}:{port}", "--vip={vip}", "{print} {{port}"},
                        "nobody"};
  first_service(document).check = check;
  check.how = FileCheck{"/run/health/{address}"};
  document.vips.at("web").services.back().check = check;
  document.vips.at("web").services.back().servers = {server_at("192.0.2.9")};
  const auto targets = targets_on("a", document);
  REQUIRE(targets.size() == 3);
  CHECK(std::get<ExecCheck>(targets[1].check.how).argv ==
        std::vector<std::string>{"/bin/check", "b@172.16.0.32:80", "--vip=172.16.0.30",
                                 "{print} {80"});
  CHECK(std::get<FileCheck>(targets[2].check.how).path == "/run/health/192.0.2.9");
}
