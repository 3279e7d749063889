#include "twobox/api_server.h"

#include <doctest/doctest.h>
#include <httplib.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "backends/file_descriptor.h"
#include "tests/support/temporary_directory.h"
#include "twobox/files.h"

using namespace twobox;
using twobox::testing::TemporaryDirectory;

namespace {

StatusReport ready_report() {
  StatusReport report;
  report.node = "a";
  report.conditions["Ready"].holds = true;
  return report;
}

/// A server on a socket of its own.
struct Api {
  TemporaryDirectory directory;
  std::string path = directory.file("run/api.sock");
  StatusBoard board;
  RoleRequests requests = *RoleRequests::open();
  std::unique_ptr<ApiServer> server = start();

  std::unique_ptr<ApiServer> start() {
    auto started = ApiServer::start({path, 0}, board, requests);
    REQUIRE(started.has_value());
    return *std::move(started);
  }

  httplib::Response get(const std::string& target) const {
    httplib::Client client(path);
    client.set_address_family(AF_UNIX);
    const auto response = client.Get(target);
    REQUIRE(static_cast<bool>(response));
    return *response;
  }
};

/// A socket that somebody listens on and never answers.
FileDescriptor listen_silently(const std::string& path) {
  FileDescriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  REQUIRE(::listen(fd.get(), 1) == 0);
  return fd;
}

}  // namespace

TEST_CASE("where to listen: the texts that are right") {
  struct Row {
    const char* text;
    const char* host_or_path;
    int port;
  };
  const Row rows[] = {
      {"unix:/run/twobox/api.sock", "/run/twobox/api.sock", 0},
      {"unix:/a:b", "/a:b", 0},
      {"127.0.0.1:8080", "127.0.0.1", 8080},
      {"127.255.0.1:1", "127.255.0.1", 1},
      {"[::1]:65535", "::1", 65535},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto address = parse_listen_address(row.text);
    REQUIRE(address.has_value());
    CHECK(address->host_or_path == row.host_or_path);
    CHECK(address->port == row.port);
  }
}

TEST_CASE("where to listen: the texts that are wrong, each with the reason") {
  const std::pair<std::string, const char*> rows[] = {
      {"", "allowed are unix:PATH and HOST:PORT"},
      {"8080", "allowed are unix:PATH and HOST:PORT"},
      {"unix:", "the path must be absolute"},
      {"unix:api.sock", "the path must be absolute"},
      {"unix:/" + std::string(107, 'x'), "the path may have at most 107 bytes"},
      {":8080", "HOST must be an address"},
      {"localhost:8080", "HOST must be an address"},
      {"[::1:8080", "HOST must be an address"},
      {"0.0.0.0:8080", "only a loopback address"},
      {"[::]:8080", "only a loopback address"},
      {"192.0.2.1:8080", "only a loopback address"},
      {"127.0.0.1:", "PORT must be a number from 1 to 65535"},
      {"127.0.0.1:0", "PORT must be a number from 1 to 65535"},
      {"127.0.0.1:65536", "PORT must be a number from 1 to 65535"},
      {"127.0.0.1:+80", "PORT must be a number from 1 to 65535"},
      {"127.0.0.1:80x", "PORT must be a number from 1 to 65535"},
  };
  for (const auto& [text, why] : rows) {
    CAPTURE(text);
    const auto address = parse_listen_address(text);
    REQUIRE_FALSE(address.has_value());
    CHECK(address.error().message.starts_with("listen address '" + text + "': "));
    CHECK(address.error().message.find(why) != std::string::npos);
  }
}

TEST_CASE("the status is the one shown last") {
  Api api;
  const auto before = api.get("/v1/status");
  CHECK(before.status == 200);
  CHECK(before.get_header_value("Content-Type") == "application/json");
  CHECK(before.body == status_json({}) + "\n");
  api.board.show(ready_report());
  CHECK(api.get("/v1/status").body == status_json(ready_report()) + "\n");
}

TEST_CASE("alive at once, ready only when converged") {
  Api api;
  CHECK(api.get("/healthz").status == 200);
  CHECK(api.get("/readyz").status == 503);
  api.board.show(ready_report());
  CHECK(api.get("/readyz").status == 200);
  api.board.show({});
  CHECK(api.get("/readyz").status == 503);
  CHECK(api.get("/healthz").status == 200);
}

TEST_CASE("what is not there is 404") {
  const Api api;
  for (const char* target : {"/v1", "/v1/nothing", "/v1/status/", "/../etc/passwd"}) {
    CAPTURE(target);
    const httplib::Response response = api.get(target);
    CHECK(response.status == 404);
    CHECK(response.get_header_value("Content-Type") == "application/problem+json");
    CHECK(nlohmann::json::parse(response.body)["status"] == 404);
  }
}

TEST_CASE("the socket is for owner and group, and goes with the server") {
  Api api;
  struct stat status {};
  REQUIRE(::stat(api.path.c_str(), &status) == 0);
  CHECK(S_ISSOCK(status.st_mode));
  CHECK((status.st_mode & 07777) == 0660);
  api.server.reset();
  CHECK_FALSE(std::filesystem::exists(api.path));
}

TEST_CASE("a socket that nobody listens on is replaced") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("api.sock");
  { const FileDescriptor gone = listen_silently(path); }
  REQUIRE(std::filesystem::is_socket(path));
  const StatusBoard board;
  RoleRequests requests = *RoleRequests::open();
  const auto server = ApiServer::start({path, 0}, board, requests);
  REQUIRE(server.has_value());
  httplib::Client client(path);
  client.set_address_family(AF_UNIX);
  CHECK(client.Get("/healthz")->status == 200);
}

TEST_CASE("the socket of a process that answers is left to it") {
  Api api;
  const auto second = ApiServer::start({api.path, 0}, api.board, api.requests);
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().kind == ErrorKind::kUnavailable);
  CHECK(second.error().errno_value == EADDRINUSE);
  CHECK(api.get("/healthz").status == 200);
}

TEST_CASE("so is the socket of a process that listens and does not answer") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("api.sock");
  const FileDescriptor other = listen_silently(path);
  const StatusBoard board;
  RoleRequests requests = *RoleRequests::open();
  const auto server = ApiServer::start({path, 0}, board, requests);
  REQUIRE_FALSE(server.has_value());
  CHECK(server.error().errno_value == EADDRINUSE);
  CHECK(std::filesystem::is_socket(path));
}

TEST_CASE("a file that is no socket is neither replaced nor removed") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("api.sock");
  REQUIRE(replace_file(path, "precious").has_value());
  const StatusBoard board;
  RoleRequests requests = *RoleRequests::open();
  const auto server = ApiServer::start({path, 0}, board, requests);
  REQUIRE_FALSE(server.has_value());
  CHECK(server.error().kind == ErrorKind::kUnavailable);
  CHECK(server.error().errno_value == EADDRINUSE);
  CHECK(*read_file(path, 100) == "precious");
}
