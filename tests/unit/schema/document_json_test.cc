#include "schema/document_json.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "schema/parse.h"
#include "schema/validate.h"
#include "tests/unit/schema/documents.h"

using namespace twobox;

namespace {

Document parsed(const std::string& text) {
  auto document = parse_document(text);
  REQUIRE(std::holds_alternative<Document>(document));
  return std::get<Document>(std::move(document));
}

void check_comes_back(const std::string& text) {
  CAPTURE(text);
  const Document document = parsed(text);
  const std::string written = document_json(document);
  CAPTURE(written);
  CHECK(parsed(written) == document);
  CHECK(document_json(parsed(written)) == written);
}

/// Every document below a folder of the sources; how many there were.
int check_documents_below(const std::string& folder) {
  int documents = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(TWOBOX_SOURCE_DIR "/" + folder)) {
    if (entry.path().extension() != ".json") continue;
    std::ifstream file(entry.path());
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    if (!std::holds_alternative<Document>(parse_document(text))) continue;
    CAPTURE(entry.path().string());
    check_comes_back(text);
    ++documents;
  }
  return documents;
}

std::string with_service(std::string_view service) {
  return test::document_with("/vips/web/services/0", service);
}

}  // namespace

TEST_CASE("the examples and the golden cases come back as they were") {
  CHECK(check_documents_below("schema/examples") >= 8);
  CHECK(check_documents_below("tests/golden/cases") >= 20);
}

TEST_CASE("every role comes back") {
  for (const char* role : {R"("master")", R"("backup")", R"("fault")", R"({"master": "b"})",
                           R"({"follow": "address"})",
                           R"({"follow": "keepalived", "instance": "VI 1", "fifo": "/run/ä"})"})
    check_comes_back(test::document_with("/vips/web/role", role));
}

TEST_CASE("every field of a service comes back") {
  check_comes_back(with_service(R"({"protocol": "udp", "port": 53, "scheduler": "sh",
    "scheduler_flags": ["sh-port", "sh-fallback", "flag-3"], "persistence_timeout": 300,
    "persistence_netmask": "255.255.255.0", "one_packet": true, "mark": {"a": 3, "b": 4},
    "servers": [{"node": "a", "port": 54, "weight": 0, "forwarding": "masquerade", "drain": "90s"},
                {"address": "172.16.0.40", "upper_threshold": 9, "lower_threshold": 4,
                 "forwarding": "tunnel"}],
    "check": {"type": "tcp", "port": 8053}, "on_failure": "weight-zero", "quorum": 2,
    "fallback": {"address": "172.16.0.41", "port": 5353}, "slow_start": "30s", "drain": "1m"})"));
  check_comes_back(with_service(R"({"protocol": "sctp", "port": 1, "scheduler": "mh", "mark": 7,
    "scheduler_flags": ["mh-port"], "servers": []})"));
  check_comes_back(
      with_service(R"({"protocol": "tcp", "port": 1, "scheduler_flags": ["flag-1", "flag-2"]})"));
}

TEST_CASE("every check comes back, with timeouts that follow one another") {
  for (const char* check :
       {R"({"type": "tcp", "through_vip": true, "interval": "500ms", "connect_timeout": "10s"})",
        R"({"type": "tcp", "timeout": "200ms"})", R"({"type": "tcp", "timeout": "5s"})",
        R"({"type": "tcp", "connect_timeout": "2s"})",
        R"({"type": "http", "path": "/health", "host": "www", "status": [200, "3xx"],
            "body": "all \"well\" ü", "rise": 5, "fall": 7, "jitter": 0})",
        R"({"type": "https", "server_name": "www.example.org", "verify": true, "port": 8443})",
        R"({"type": "exec", "argv": ["/bin/true", "{address}"], "user": "root", "timeout": "1s"})",
        R"({"type": "exec", "argv": ["/bin/true"], "timeout": "30s", "port": 3})",
        R"({"type": "exec", "argv": ["/bin/true"], "timeout": "500ms"})",
        R"({"type": "file", "path": "/run/{address}", "interval": "1h"})"})
    check_comes_back(
        with_service(R"({"protocol": "tcp", "port": 80, "check": )" + std::string(check) + "}"));
}

TEST_CASE("what is beside nodes and VIPs comes back") {
  check_comes_back(test::document_with("/sync", R"({"interface": "eth0.5"})"));
  check_comes_back(test::document_with(
      "/sync", R"({"interface": "eth1", "id": 7, "max_length": 1400, "group": "224.0.0.90",
                   "port": 8849, "ttl": 3})"));
  check_comes_back(test::document_with("/timeouts", R"({"tcp": 900, "tcp_fin": 60, "udp": 5})"));
  check_comes_back(test::document_with("/timeouts", "{}"));
  check_comes_back(test::document_with("/prune", R"("all")"));
  check_comes_back(test::document_with("/if_not_converged", R"("revert")"));
  check_comes_back(test::document_with("/nodes/a/drain", R"("24h")"));
  check_comes_back(test::document_with("/vips/web/address", R"("172.16.0.30/24")"));
}

TEST_CASE("defaults are left out") {
  const std::string text = document_json(parsed(with_service(R"({"protocol": "tcp", "port": 80,
      "scheduler": "wlc", "persistence_timeout": 0, "quorum": 1, "on_failure": "remove",
      "check": {"type": "tcp", "interval": "2s", "rise": 2}})")));
  CAPTURE(text);
  for (const char* name : {"scheduler", "persistence", "quorum", "on_failure", "interval", "rise",
                           "timeout", "weight", "prune"})
    CHECK(text.find(name) == std::string::npos);
}

TEST_CASE("what no document may be is written, and its faults name what is missing") {
  Document document = parsed(test::valid_document());
  document.nodes.at("b").macs.clear();
  document.vips.at("web").interface = loopback();
  const auto faults = test::faults_of(document_json(document));
  CHECK(faults.size() == 2);
  CHECK(faults.at(0).starts_with("/nodes/b/macs: "));
  CHECK(faults.at(1).starts_with("/vips/web/interface: "));
}

TEST_CASE("bytes that are no UTF-8 do not keep a document from being written") {
  Document document = parsed(test::valid_document());
  document.sysctls["net.ipv4.ip_forward"] = "\xff";
  CHECK(document_json(document).find("\xef\xbf\xbd") != std::string::npos);
}
