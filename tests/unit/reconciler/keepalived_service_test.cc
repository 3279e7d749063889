#include "reconciler/keepalived_service.h"

#include <doctest/doctest.h>

#include "schema/document_json.h"
#include "tests/unit/reconciler/keepalived_imports.h"
#include "tests/unit/schema/documents.h"

using namespace twobox;
using namespace twobox::test;

namespace {

/// True when a line in the virtual_server, which is the file's 11th, is noted.
bool is_noted_in_service(const std::string& line, const std::string& part) {
  return has_note(import_of(reference(line)), "11", part);
}

}  // namespace

TEST_CASE("what a virtual_server says about its service") {
  CHECK(service_of("lvs_sched sh\nsh-port\nsh-fallback\nflag-3").scheduler_flags ==
        SchedulerFlags{true, true, true});
  CHECK(service_of("persistence_timeout").persistence_timeout == 360);
  const Service sticky = service_of("persistence_timeout 50\npersistence_granularity 255.255.0.0");
  CHECK(sticky.persistence_timeout == 50);
  CHECK(sticky.persistence_prefix_length == 16U);
  CHECK(service_of("ops").one_packet);
  CHECK(service_of("quorum 2").quorum == 2);
  CHECK(service_of("sorry_server 172.16.0.40 80").fallback ==
        Server{.target = *IpAddress::parse("172.16.0.40"), .port = {}});
  CHECK(service_of("sorry_server 172.16.0.40 81\nsorry_server_lvs_method TUN").fallback ==
        Server{.target = *IpAddress::parse("172.16.0.40"),
               .port = *Port::from_number(81),
               .forwarding = Forwarding::kTunnel});
}

TEST_CASE("what a real_server says about itself") {
  const auto servers =
      *service_of("", "weight 0\nlvs_method NAT\nuthreshold 9\nlthreshold 3").servers;
  REQUIRE(servers.size() == 2);
  CHECK(servers[0].weight == 0);
  CHECK(servers[0].forwarding == Forwarding::kMasquerade);
  CHECK(servers[0].upper_threshold == 9);
  CHECK(servers[0].lower_threshold == 3);
  CHECK(service_of("weight 7").servers->front().weight == 7);
  const Service hushed = service_of("", "inhibit_on_failure\nTCP_CHECK\n");
  CHECK(hushed.on_failure == OnFailure::kWeightZero);
}

TEST_CASE("without lb_kind servers are masqueraded, as keepalived has it") {
  const Import import = import_of(
      std::string(kInstance) + "virtual_server 172.16.0.30 80 {\n real_server 10.0.0.1 8080\n}\n");
  CHECK(only_service(import).servers == std::vector{Server{.target = *IpAddress::parse("10.0.0.1"),
                                                           .port = *Port::from_number(8080),
                                                           .forwarding = Forwarding::kMasquerade}});
  CHECK(import.document.nodes.empty());
}

TEST_CASE("HTTP checks") {
  const Check check = *service_of("virtualhost www.example.org", R"(HTTP_GET {
    url {
      path /health
      status_code 200 300-399
    }
    connect_port 8080
    nb_get_retry 4
    delay_loop 0.5
  })")
                           .check;
  const auto& http = std::get<HttpCheck>(check.how);
  CHECK(http.path == "/health");
  CHECK(http.host == "www.example.org");
  CHECK(http.statuses == std::vector<StatusRange>{{200, 200}, {300, 399}});
  CHECK(check.port == *Port::from_number(8080));
  CHECK(check.fall == 5);
  CHECK(check.interval == std::chrono::milliseconds(500));
  CHECK(check.connect_timeout == std::chrono::seconds(5));
  CHECK(check.timeout == std::chrono::seconds(5));
  CHECK(std::get<HttpCheck>(service_of("", "SSL_GET {\n enable_sni\n}").check->how).tls);
}

TEST_CASE("MISC_CHECK becomes a program without a shell") {
  const Import import = import_of(
      reference("", "MISC_CHECK {\nmisc_path \"/opt/check -v 1\"\nmisc_timeout 2\nuser nginx\n}"));
  const Check check = *only_service(import).check;
  CHECK(std::get<ExecCheck>(check.how) == ExecCheck{{"/opt/check", "-v", "1"}, "nginx"});
  CHECK(check.timeout == std::chrono::seconds(2));
  CHECK(check.fall == 1);
  CHECK(test::faults_of(document_json(import.document)) == Lines{});
  const Import relative = import_of(reference("", "MISC_CHECK {\nmisc_path check.sh\n}"));
  CHECK_FALSE(only_service(relative).check);
  CHECK(has_note(relative, "16", "no absolute path"));
}

TEST_CASE("limits of a document are said") {
  const Import import =
      import_of(reference("delay_loop 7200", "TCP_CHECK {\nconnect_timeout 90\n}"));
  CHECK(only_service(import).check->interval == std::chrono::hours(1));
  CHECK(only_service(import).check->connect_timeout == std::chrono::minutes(1));
  CHECK(has_note(import, "16", "delay_loop of 2h becomes 1h"));
  CHECK(has_note(import, "16", "connect_timeout of 90s becomes 1m"));
  CHECK(test::faults_of(document_json(import.document)) == Lines{});
}

TEST_CASE("a check of a service by UDP asks the same port by TCP") {
  std::string text = reference("", "TCP_CHECK {\n}");
  text.replace(text.find("protocol TCP"), 12, "protocol UDP");
  const Import import = import_of(text);
  CHECK(only_service(import).check->port == *Port::from_number(80));
  CHECK(test::faults_of(document_json(import.document)) == Lines{});
}

TEST_CASE("each line without a counterpart is said") {
  for (const char* line : {"hysteresis 1",
                           "quorum_up /bin/x",
                           "alpha",
                           "omega",
                           "ha_suspend",
                           "persistence_engine sip",
                           "sorry_server_inhibit",
                           "warmup 5",
                           "delay_before_retry 3",
                           "smtp_alert",
                           "no_such_word",
                           "quorum x",
                           "protocol ICMP",
                           "lb_kind XX",
                           "persistence_timeout x",
                           "weight -1",
                           "connect_timeout x",
                           "retry x",
                           "sorry_server 1.2.3.4",
                           "persistence_granularity 255.0.255.0",
                           "$NAME=1",
                           "@a delay_loop 3"}) {
    CAPTURE(line);
    std::string keyword = line;
    CHECK(is_noted_in_service(line, keyword.substr(0, keyword.find(' '))));
  }
  for (const char* line : {"notify_down /bin/x", "TCP_CHECK {\nbindto 10.0.0.1\n}", "UDP_CHECK",
                           "HTTP_GET {\nurl {\ndigest 00\n}\n}", "TCP_CHECK {\n}\nHTTP_GET {\n}"}) {
    CAPTURE(line);
    const Import import = import_of(reference("", line));
    CHECK(import.notes.size() > import_of(reference()).notes.size());
  }
}
