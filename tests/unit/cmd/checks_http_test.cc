// Checks that ask by HTTP, of servers of all sorts.
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <mutex>

#include "checks/http_checks.h"
#include "tests/unit/cmd/checks_testbed.h"
#include "tests/unit/cmd/tls_server.h"

using namespace twobox;
using namespace twobox::testing;
using namespace std::chrono_literals;

namespace {

/// A check's outcome at a server that does `serve` with each connection.
CheckOutcome outcome_at(const Serving::Serve& serve, const HttpCheck& check,
                        std::chrono::milliseconds timeout = 60s) {
  const Serving serving(serve);
  Checks checks;
  HttpChecks http(checks.loop(), checks.sink());
  CheckTarget target = local_target(serving.port(), check);
  target.check.connect_timeout = 60s;
  target.check.timeout = timeout;
  CheckOutcome outcome = checks.outcome_of(http, target);
  // What stands before is the same for all: "GET http://127.0.0.1:PORT/health: ".
  const std::string asking = std::string("GET ") + (check.tls ? "https" : "http") +
                             "://127.0.0.1:" + std::to_string(serving.port()) + check.path + ": ";
  if (!is_passed(outcome)) REQUIRE(outcome.cause.starts_with(asking));
  if (!is_passed(outcome)) outcome.cause.erase(0, asking.size());
  return outcome;
}

Serving::Serve answer(std::string text) {
  return [text = std::move(text)](int connection) {
    read_request(connection);
    send_text(connection, text);
  };
}

std::string page(const std::string& status, const std::string& body) {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

HttpCheck health() {
  HttpCheck check;
  check.path = "/health";
  return check;
}

}  // namespace

TEST_CASE("http check: what an answer is judged by") {
  struct Row {
    std::vector<StatusRange> statuses;
    std::optional<std::string> body;
    long status;
    std::string_view answered;
    std::string_view want;  // "": passes
  };
  const Row rows[] = {
      {{{200, 299}}, std::nullopt, 200, "", ""},
      {{{200, 299}}, std::nullopt, 299, "", ""},
      {{{200, 299}}, std::nullopt, 300, "", "status 300, wanted 200-299"},
      {{{200, 200}, {300, 302}}, std::nullopt, 301, "", ""},
      {{{200, 200}, {300, 302}}, std::nullopt, 201, "", "status 201, wanted 200, 300-302"},
      {{{200, 299}}, "ok", 200, "all is ok\n", ""},
      {{{200, 299}}, "ok", 200, "", "'ok' is not in the answer's first 0 bytes"},
      {{{200, 299}}, "ok", 503, "ok", "status 503, wanted 200-299"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.status);
    HttpCheck check;
    check.statuses = row.statuses;
    check.body = row.body;
    CHECK(complaint_about(check, row.status, row.answered).value_or("") == row.want);
  }
}

TEST_CASE("http check: answers") {
  HttpCheck check = health();
  CHECK(is_passed(outcome_at(answer(page("200 OK", "fine")), check)));
  CHECK(is_passed(outcome_at(answer("HTTP/1.0 204 No Content\r\n\r\n"), check)));
  CHECK(outcome_at(answer(page("503 Busy", "")), check).cause == "status 503, wanted 200-299");
  // Not followed: nobody listens there.
  CHECK(outcome_at(answer("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"
                          "Content-Length: 0\r\n\r\n"),
                   check)
            .cause == "status 302, wanted 200-299");
  check.body = "fine";
  CHECK(is_passed(outcome_at(answer(page("200 OK", "all is fine")), check)));
  CHECK(outcome_at(answer(page("200 OK", "bad")), check).cause ==
        "'fine' is not in the answer's first 3 bytes");
}

TEST_CASE("http check: answers that are none") {
  const HttpCheck check = health();
  CHECK(is_failed(outcome_at(answer("SSH-2.0-OpenSSH_9.2\r\n"), check)));
  CHECK(is_failed(outcome_at(answer(""), check)));
  CHECK(
      is_failed(outcome_at(answer("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"), check)));
  const auto reset = [](int connection) {
    read_request(connection);
    const linger none{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(connection, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
  };
  CHECK(outcome_at(reset, check).cause == "Recv failure: Connection reset by peer");

  Checks checks;
  HttpChecks http(checks.loop(), checks.sink());
  const std::uint16_t closed = closed_port();
  CHECK(checks.outcome_of(http, local_target(closed, check)).cause ==
        "GET http://127.0.0.1:" + std::to_string(closed) + "/health: connection refused");
}

TEST_CASE("http check: too slow") {
  CHECK(outcome_at(wait_for_end, health(), 100ms).cause == "no whole answer within 100 ms");
  const auto trickle = [](int connection) {
    read_request(connection);
    bool more = send_text(connection, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    for (int left = 1000; more && left > 0; --left) {
      more = send_text(connection, ".");
      std::this_thread::sleep_for(10ms);
    }
  };
  CHECK(outcome_at(trickle, health(), 200ms).cause == "no whole answer within 200 ms");

  const Listening hanging(0);
  Checks checks;
  HttpChecks http(checks.loop(), checks.sink());
  const CheckTarget target = local_target(hanging.port(), health());
  // The first connection has its place in the queue, where nobody answers.
  CHECK(checks.outcome_of(http, target).cause.ends_with("no whole answer within 300 ms"));
  CHECK(checks.outcome_of(http, target).cause.ends_with("no connection within 100 ms"));
}

TEST_CASE("http check: of a body without end, the first 64 KiB count") {
  const auto endless = [](int connection) {
    read_request(connection);
    bool more = send_text(connection, "HTTP/1.1 200 OK\r\n\r\nstart");
    const std::string much(100'000, '.');
    while (more) more = send_text(connection, much) && send_text(connection, "end");
  };
  HttpCheck check = health();
  CHECK(is_passed(outcome_at(endless, check)));
  check.body = "start";
  CHECK(is_passed(outcome_at(endless, check)));
  check.body = "end";
  CHECK(outcome_at(endless, check).cause == "'end' is not in the answer's first 65536 bytes");
}

TEST_CASE("http check: the request") {
  std::mutex mutex;
  std::string request;
  const Serving serving([&](int connection) {
    const std::lock_guard lock(mutex);
    request = read_request(connection);
    send_text(connection, page("200 OK", ""));
  });
  Checks checks;
  HttpChecks http(checks.loop(), checks.sink());
  HttpCheck check;
  check.path = "/a/../b?c=d&e";
  const auto request_for = [&](const HttpCheck& asked) {
    CheckTarget target = local_target(serving.port(), asked);
    target.check.timeout = target.check.connect_timeout = 60s;
    REQUIRE(is_passed(checks.outcome_of(http, target)));
    const std::lock_guard lock(mutex);
    return request;
  };
  REQUIRE(::setenv("http_proxy", "http://127.0.0.1:1", 1) == 0);
  std::string got = request_for(check);
  REQUIRE(::unsetenv("http_proxy") == 0);
  CHECK(got.starts_with("GET /a/../b?c=d&e HTTP/1.1\r\n"));
  CHECK(got.find("\r\nHost: 127.0.0.1:" + std::to_string(serving.port()) + "\r\n") !=
        std::string::npos);
  CHECK(got.find("\r\nConnection: close\r\n") != std::string::npos);
  CHECK(got.find("\r\nUser-Agent: twobox/") != std::string::npos);

  check.host = "www.example.org:8080";
  got = request_for(check);
  CHECK(got.find("\r\nHost: www.example.org:8080\r\n") != std::string::npos);
  CHECK(got.find("127.0.0.1") == std::string::npos);
}

TEST_CASE("http check: what this machine lacks is not the server's fault") {
  Checks checks;
  HttpChecks http(checks.loop(), checks.sink());
  REQUIRE(libcurl());
  const Listening listening;
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const int free_number = ::dup(listening.fd());
  ::close(free_number);
  const rlimit none{static_cast<rlim_t>(free_number), before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  const CheckOutcome outcome = checks.outcome_of(http, local_target(listening.port(), health()));
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(is_not_made(outcome));
  CHECK(outcome.cause.ends_with(": too many open files"));
}

TEST_CASE("http check: many at once, and none after it was given up") {
  const Serving serving(answer(page("200 OK", "fine")));
  Checks checks;
  HttpChecks http(checks.loop(), checks.sink());
  constexpr CheckId kCount = 90;
  for (CheckId id = 1001; id <= 1000 + kCount; ++id) {
    CheckTarget target = local_target(serving.port(), health());
    target.check.connect_timeout = target.check.timeout = 60s;
    http.begin(id, target);
    if (id % 3 == 0) http.give_up(id);
  }
  checks.turn_until([&] { return checks.outcomes.size() == kCount - kCount / 3; });
  CHECK(checks.outcomes.size() == kCount - kCount / 3);
  for (const auto& done : checks.outcomes) {
    CHECK(done.first % 3 != 0);
    CHECK_MESSAGE(is_passed(done.second), done.second.cause);
  }
}

TEST_CASE("https check: the name, and whether the certificate counts") {
  TlsServer server;  // its certificate is its own, and for nobody.example
  HttpCheck check = health();
  check.tls = true;
  const auto ask = [&](const HttpCheck& asked) {
    server.forget_name();
    return outcome_at([&](int connection) { server.answer(connection, page("200 OK", "fine")); },
                      asked);
  };
  CHECK(is_passed(ask(check)));
  CHECK(server.name_asked_for().empty());  // an address is no name for TLS

  check.host = "www.example.org:8443";
  CHECK(is_passed(ask(check)));
  CHECK(server.name_asked_for() == "www.example.org");

  check.server_name = "nobody.example";
  CHECK(is_passed(ask(check)));
  CHECK(server.name_asked_for() == "nobody.example");

  check.verify = true;
  CHECK(ask(check).cause == "SSL certificate problem: self-signed certificate");
}

TEST_CASE("https check: a server without TLS") {
  HttpCheck check = health();
  check.tls = true;
  const auto speaks_plainly = [](int connection) {
    send_text(connection, "HTTP/1.1 400 Bad Request\r\n\r\n");
    wait_for_end(connection);
  };
  CHECK(is_failed(outcome_at(speaks_plainly, check)));
  CHECK(outcome_at(wait_for_end, check, 100ms).cause == "no connection within 100 ms");
}
