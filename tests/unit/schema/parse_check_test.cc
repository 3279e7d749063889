// Checks and what follows from them, and durations.
#include <doctest/doctest.h>

#include "schema/duration.h"
#include "schema/parse.h"
#include "tests/unit/schema/documents.h"

using namespace twobox;
using namespace twobox::test;
using namespace std::chrono_literals;

namespace {

const std::string kService = "/vips/web/services/0";

Service service_of(const std::string& document) {
  auto read = parse_document(document);
  REQUIRE(std::holds_alternative<Document>(read));
  return std::get<Document>(read).vips.at("web").services[0];
}

Check check_of(const std::string& check) {
  const auto read = service_of(document_with(kService + "/check", check)).check;
  REQUIRE(read.has_value());
  return *read;
}

Lines faults_of_check(const std::string& check) {
  Lines lines = faults_of(document_with(kService + "/check", check));
  const std::string begin = kService + "/check";
  for (std::string& line : lines)
    if (line.starts_with(begin)) line = line.substr(begin.size());
  return lines;
}

}  // namespace

TEST_CASE("a check has defaults for all but its type") {
  CHECK(check_of(R"({"type": "tcp"})") == Check{});
  Check http;
  http.how = HttpCheck{};
  CHECK(check_of(R"({"type": "http"})") == http);
  HttpCheck https;
  https.tls = true;
  http.how = https;
  CHECK(check_of(R"({"type": "https"})") == http);
  Check file;
  file.how = FileCheck{"/run/verdict"};
  CHECK(check_of(R"({"type": "file", "path": "/run/verdict"})") == file);
  Check exec;
  exec.how = ExecCheck{{"/bin/true"}, "nobody"};
  CHECK(check_of(R"({"type": "exec", "argv": ["/bin/true"]})") == exec);
}

TEST_CASE("every field of a check reaches the document") {
  const Check https = check_of(R"({
    "type": "https", "port": 8443, "through_vip": true, "interval": "500ms",
    "connect_timeout": "200ms", "timeout": "1m", "rise": 3, "fall": 4, "jitter": 0,
    "path": "/health?x", "host": "example.org:1", "server_name": "example.org", "verify": true,
    "status": [204, "3xx"], "body": "all is well"})");
  CHECK(https.port->host_order() == 8443);
  CHECK(https.through_vip);
  CHECK(https.interval == 500ms);
  CHECK(https.connect_timeout == 200ms);
  CHECK(https.timeout == 60s);
  CHECK(https.rise == 3);
  CHECK(https.fall == 4);
  CHECK(https.jitter == 0);
  CHECK(std::get<HttpCheck>(https.how) == HttpCheck{true,
                                                    "/health?x",
                                                    "example.org:1",
                                                    "example.org",
                                                    true,
                                                    {{204, 204}, {300, 399}},
                                                    "all is well"});
  CHECK(std::get<ExecCheck>(
            check_of(R"({"type": "exec", "argv": ["/bin/a", "-b"], "user": "_apt"})").how) ==
        ExecCheck{{"/bin/a", "-b"}, "_apt"});
}

TEST_CASE("one timeout follows the other when only one is given") {
  const Check patient = check_of(R"({"type": "tcp", "connect_timeout": "5s"})");
  CHECK(patient.connect_timeout == 5s);
  CHECK(patient.timeout == 5s);
  const Check quick = check_of(R"({"type": "tcp", "timeout": "300ms"})");
  CHECK(quick.connect_timeout == 300ms);
  CHECK(quick.timeout == 300ms);
  const Check article = check_of(R"({"type": "tcp", "connect_timeout": "3s", "interval": "30s"})");
  CHECK(article.timeout == 3s);
  CHECK(faults_of_check(R"({"type": "tcp", "timeout": "1s", "connect_timeout": "2s"})") ==
        Lines{R"(/connect_timeout: found "2s", allowed is at most the "timeout", here "1s")"});
}

TEST_CASE("a check knows the fields of its type and no others") {
  const auto unknown = [](const std::string& check, const std::string& name) {
    const Lines lines = faults_of_check(check);
    CAPTURE(check);
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].starts_with("/" + name + ": found an unknown key"));
  };
  unknown(R"({"type": "tcp", "path": "/"})", "path");
  unknown(R"({"type": "http", "verify": true})", "verify");
  unknown(R"({"type": "http", "server_name": "a"})", "server_name");
  unknown(R"({"type": "exec", "argv": ["/a"], "connect_timeout": "1s"})", "connect_timeout");
  unknown(R"({"type": "exec", "argv": ["/a"], "through_vip": true})", "through_vip");
  unknown(R"({"type": "file", "path": "/a", "timeout": "1s"})", "timeout");
  unknown(R"({"type": "file", "path": "/a", "port": 1})", "port");
  CHECK(faults_of_check(R"({"type": "icmp", "path": "/"})") ==
        Lines{R"(/type: found "icmp", allowed is "tcp", "http", "https", "exec" or "file")"});
  CHECK(faults_of_check("7") == Lines{": found 7, allowed is an object"});
}

TEST_CASE("values of a check are checked one by one") {
  const auto row = [](const std::string& check, const std::string& want) {
    CAPTURE(check);
    CHECK(faults_of_check(check) == Lines{want});
  };
  row(R"({"type": "tcp", "interval": "99ms"})",
      R"(/interval: found "99ms", allowed is a duration from "100ms" to "1h")");
  row(R"({"type": "tcp", "interval": 2})",
      R"(/interval: found 2, allowed is a duration from "100ms" to "1h")");
  row(R"({"type": "tcp", "timeout": "61s"})",
      R"(/timeout: found "61s", allowed is a duration from "10ms" to "1m")");
  row(R"({"type": "tcp", "rise": 0})", "/rise: found 0, allowed is a whole number from 1 to 1000");
  row(R"({"type": "tcp", "jitter": 101})",
      "/jitter: found 101, allowed is a whole number from 0 to 100");
  row(R"({"type": "http", "path": "health"})",
      "/path: found \"health\", allowed is a path that begins with '/', of at most 2048 visible "
      "ASCII characters, no '#'");
  row(R"({"type": "http", "host": "a/b"})",
      "/host: found \"a/b\", allowed is a host, with its port if it has one, such as "
      "\"www.example.org:8080\"");
  row(R"({"type": "http", "status": ["200-299"]})",
      "/status/0: found \"200-299\", allowed is a whole number from 100 to 599, or a class such "
      "as \"2xx\"");
  row(R"({"type": "http", "status": []})",
      "/status: found an empty array, allowed is an array of one or more HTTP statuses");
  row(R"({"type": "exec", "argv": ["true"]})",
      "/argv/0: found \"true\", allowed is an absolute path of at most 4095 characters, none of "
      "them a control character");
  row(R"({"type": "exec", "argv": ["/a"], "user": "-x"})",
      "/user: found \"-x\", allowed is a user's name of at most 32 letters, digits, '.', '_' and "
      "'-'");
}

TEST_CASE("what follows from a check reaches the document") {
  std::string text = document_with(kService + "/check", R"({"type": "tcp"})");
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{
           {"on_failure", "\"weight-zero\""},
           {"quorum", "2"},
           {"fallback", R"({"address": "172.16.0.40", "weight": 3})"},
           {"slow_start", "\"30s\""},
           {"drain", "\"5m\""}})
    text = with(text, kService + "/" + name, value);
  CHECK(faults_of(text).empty());
  const Service service = service_of(text);
  CHECK(service.on_failure == OnFailure::kWeightZero);
  CHECK(service.quorum == 2);
  REQUIRE(service.fallback.has_value());
  CHECK(service.fallback->weight == 3);
  CHECK(service.slow_start == 30s);
  CHECK(service.drain == 300s);
  const Service plain = service_of(valid_document());
  CHECK_FALSE(plain.check.has_value());
  CHECK(plain.quorum == 1);
  CHECK(plain.slow_start == 0s);
}

TEST_CASE("nodes and servers can be told to drain") {
  const auto read = parse_document(
      with(document_with("/nodes/b/drain", "\"60s\""), kService + "/servers/0/drain", "\"1m\""));
  REQUIRE(std::holds_alternative<Document>(read));
  const auto& document = std::get<Document>(read);
  CHECK(document.nodes.at("b").drain == 60s);
  CHECK_FALSE(document.nodes.at("a").drain.has_value());
  CHECK(document.vips.at("web").services[0].servers->at(0).drain == 60s);
  CHECK(faults_of(document_with("/nodes/b/drain", "\"1500ms\"")) ==
        Lines{"/nodes/b/drain: found \"1500ms\", allowed is a duration of whole seconds from "
              "\"1s\" to \"24h\""});
}

TEST_CASE("what only a check brings about needs one") {
  for (const char* const field : {"on_failure", "slow_start"}) {
    const Lines lines = faults_of(document_with(kService + "/" + field, "\"remove\""));
    REQUIRE(lines.size() == 1);
    CHECK(lines[0] == kService + "/" + field +
                          ": found \"remove\" (in a service without a check), allowed is one "
                          "beside a \"check\"");
  }
}

TEST_CASE("a check fits its service") {
  const std::string udp = "/vips/six/services/0";
  const auto with_check = [&udp](const std::string& check) {
    return faults_of(document_with(udp + "/check", check));
  };
  const Lines port_missing = {
      udp +
      "/check/port: found nothing with protocol \"udp\", allowed is the port that answers "
      "the check by TCP"};
  CHECK(with_check(R"({"type": "tcp"})") == port_missing);
  CHECK(with_check(R"({"type": "http"})") == port_missing);
  CHECK(with_check(R"({"type": "tcp", "port": 53})").empty());
  CHECK(with_check(R"({"type": "exec", "argv": ["/bin/dig"]})").empty());
  CHECK(with_check(R"({"type": "file", "path": "/run/x"})").empty());
  CHECK(with_check(R"({"type": "tcp", "port": 53, "through_vip": true})") ==
        Lines{udp + "/check/through_vip: found true with protocol \"udp\", allowed is true with "
                    "protocol \"tcp\" only"});
}

TEST_CASE("a quorum can be reached") {
  CHECK(faults_of(document_with(kService + "/quorum", "2")).empty());
  CHECK(faults_of(document_with(kService + "/quorum", "3")) ==
        Lines{kService + "/quorum: found 3, allowed is at most the number of servers, here 2"});
  CHECK(faults_of(document_with("/vips/six/services/0/quorum", "3")) ==
        Lines{"/vips/six/services/0/quorum: found 3, allowed is at most the number of servers, "
              "here 2"});
}

TEST_CASE("a fallback is a server like others, and not one of them") {
  const auto fallback = [](const std::string& service, const std::string& server) {
    return faults_of(document_with(service + "/fallback", server));
  };
  CHECK(fallback(kService, R"({"address": "172.16.0.40"})").empty());
  CHECK(fallback(kService, R"({"node": "a", "port": 8080, "forwarding": "masquerade"})").empty());
  CHECK(fallback(kService, R"({"node": "c"})") ==
        Lines{kService + "/fallback/node: found \"c\", allowed is the name of one of the nodes"});
  CHECK(fallback(kService, R"({"address": "172.16.0.31"})") ==
        Lines{kService + "/fallback: found 172.16.0.31:80, which is also at " + kService +
              "/servers/0, allowed is each address and port once in a service"});
  CHECK(fallback("/vips/six/services/0", R"({"node": "b"})") ==
        Lines{"/vips/six/services/0/fallback: found [2001:db8::32]:53, which is also at /nodes/b, "
              "allowed is each address and port once in a service"});
}

TEST_CASE("durations are a whole number and a unit") {
  CHECK(parse_duration("0s") == 0ms);
  CHECK(parse_duration("500ms") == 500ms);
  CHECK(parse_duration("10s") == 10s);
  CHECK(parse_duration("1m") == 60s);
  CHECK(parse_duration("24h") == 86400s);
  CHECK(parse_duration("8760h") == 8760h);
  for (const char* text : {"", "10", "s", "-1s", "+1s", "1.5s", "10 s", " 1s", "1s ", "1d", "1S",
                           "8761h", "99999999999999999999s"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_duration(text).has_value());
  }
}

TEST_CASE("durations are written in the largest unit that fits") {
  CHECK(duration_text(0ms) == "0s");
  CHECK(duration_text(1500ms) == "1500ms");
  CHECK(duration_text(30s) == "30s");
  CHECK(duration_text(90s) == "90s");
  CHECK(duration_text(300s) == "5m");
  CHECK(duration_text(24h) == "24h");
}
