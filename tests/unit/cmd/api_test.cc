#include "api/api.h"

#include <doctest/doctest.h>
#include <httplib.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "api/document.h"
#include "backends/file_descriptor.h"
#include "http/server.h"
#include "tests/support/temporary_directory.h"
#include "twobox/files.h"

using namespace twobox;
using twobox::testing::TemporaryDirectory;

namespace {

DaemonView ready() {
  DaemonView snapshot;
  snapshot.status.node = "a";
  snapshot.status.conditions["Ready"].holds = true;
  return snapshot;
}

/// A server on a socket of its own.
struct Served {
  TemporaryDirectory directory;
  std::string path = directory.file("run/api.sock");
  StatusBoard board;
  LoopRequests requests = *LoopRequests::open();
  Api api{{board, requests}, {}};
  std::unique_ptr<HttpServer> server = start();

  std::unique_ptr<HttpServer> start() {
    std::vector<Listener> listeners;
    listeners.push_back(*Listener::open({path}, nullptr));
    auto started = HttpServer::start(std::move(listeners), api);
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

int connect_to(const std::string& path, const FileDescriptor& client) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  return ::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
}

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
    bool loopback;
  };
  const Row rows[] = {
      {"unix:/run/twobox/api.sock", "/run/twobox/api.sock", 0, true},
      {"unix:/a:b", "/a:b", 0, true},
      {"127.0.0.1:8080", "127.0.0.1", 8080, true},
      {"127.255.0.1:1", "127.255.0.1", 1, true},
      {"[::1]:65535", "::1", 65535, true},
      {"0.0.0.0:8080", "0.0.0.0", 8080, false},
      {"[::]:8080", "::", 8080, false},
      {"192.0.2.1:8080", "192.0.2.1", 8080, false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto address = parse_listen_address(row.text);
    REQUIRE(address.has_value());
    CHECK(address->host_or_path == row.host_or_path);
    CHECK(address->port == row.port);
    CHECK(address->loopback == row.loopback);
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
      {"127.0.0.1:", "PORT must be a number from 1 to 65535"},
      {"127.0.0.1:0", "PORT must be a number from 1 to 65535"},
      {"127.0.0.1:65536", "PORT must be a number from 1 to 65535"},
      {"127.0.0.1:+80", "PORT must be a number from 1 to 65535"},
      {"127.0.0.1:80x", "PORT must be a number from 1 to 65535"},
  };
  for (const auto& row : rows) {
    const std::string& text = row.first;
    CAPTURE(text);
    const auto address = parse_listen_address(text);
    REQUIRE_FALSE(address.has_value());
    CHECK(address.error().message.starts_with("listen address '" + text + "': "));
    CHECK(address.error().message.find(row.second) != std::string::npos);
  }
}

TEST_CASE("the status is the one shown last") {
  Served api;
  const auto before = api.get("/v1/status");
  CHECK(before.status == 200);
  CHECK(before.get_header_value("Content-Type") == "application/json");
  CHECK(before.body == status_json(StatusReport{}) + "\n");
  api.board.show(ready());
  CHECK(api.get("/v1/status").body == status_json(ready().status) + "\n");
}

TEST_CASE("alive at once, ready only when converged") {
  Served api;
  CHECK(api.get("/healthz").status == 200);
  CHECK(api.get("/readyz").status == 503);
  api.board.show(ready());
  CHECK(api.get("/readyz").status == 200);
  api.board.show(DaemonView{});
  CHECK(api.get("/readyz").status == 503);
  CHECK(api.get("/healthz").status == 200);
}

TEST_CASE("what is not there is 404") {
  const Served api;
  for (const char* target : {"/v1", "/v1/nothing", "/v1/status/", "/../etc/passwd"}) {
    CAPTURE(target);
    const httplib::Response response = api.get(target);
    CHECK(response.status == 404);
    CHECK(response.get_header_value("Content-Type") == "application/problem+json");
    CHECK(nlohmann::json::parse(response.body)["status"] == 404);
  }
}

TEST_CASE("the socket is for owner and group, and goes with the server") {
  Served api;
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
  const auto listener = Listener::open({path}, nullptr);
  REQUIRE(listener.has_value());
  const FileDescriptor client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  CHECK(connect_to(path, client) == 0);
}

TEST_CASE("the socket of a process that answers is left to it") {
  Served api;
  const auto second = Listener::open({api.path}, nullptr);
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().kind == ErrorKind::kUnavailable);
  CHECK(second.error().errno_value == EADDRINUSE);
  CHECK(api.get("/healthz").status == 200);
}

TEST_CASE("a socket that was passed serves, and its file is left") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("api.sock");
  FileDescriptor passed = listen_silently(path);
  const auto address = address_of_listening(passed.get());
  REQUIRE(address.has_value());
  CHECK(address->host_or_path == path);
  CHECK(address->port == 0);
  {
    const Listener listener = Listener::adopt(std::move(passed), *address, nullptr);
    CHECK(listener.entrance() == Entrance::kUnix);
    const FileDescriptor client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    CHECK(connect_to(path, client) == 0);
  }
  CHECK(std::filesystem::is_socket(path));
}

TEST_CASE("where a passed socket listens decides what it is") {
  const FileDescriptor v6(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  CHECK_FALSE(address_of_listening(v6.get()).has_value());  // it does not listen yet
  REQUIRE(::listen(v6.get(), 1) == 0);
  const auto anywhere = address_of_listening(v6.get());
  REQUIRE(anywhere.has_value());
  CHECK(anywhere->host_or_path == "::");
  CHECK(anywhere->port != 0);
  CHECK_FALSE(anywhere->loopback);
  CHECK_FALSE(address_of_listening(-1).has_value());
}

TEST_CASE("so is the socket of a process that listens and does not answer") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("api.sock");
  const FileDescriptor other = listen_silently(path);
  const auto server = Listener::open({path}, nullptr);
  REQUIRE_FALSE(server.has_value());
  CHECK(server.error().errno_value == EADDRINUSE);
  CHECK(std::filesystem::is_socket(path));
}

TEST_CASE("a file that is no socket is neither replaced nor removed") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("api.sock");
  REQUIRE(replace_file(path, "precious").has_value());
  const auto server = Listener::open({path}, nullptr);
  REQUIRE_FALSE(server.has_value());
  CHECK(server.error().kind == ErrorKind::kUnavailable);
  CHECK(server.error().errno_value == EADDRINUSE);
  CHECK(*read_file(path, 100) == "precious");
}

TEST_CASE("a route's names stand for one part each") {
  CHECK(match("/v1/vips/{name}/role", "/v1/vips/web/role") ==
        std::map<std::string, std::string>{{"name", "web"}});
  CHECK(match("/", "/") == std::map<std::string, std::string>{});
  for (const char* path : {"/v1/vips//role", "/v1/vips/a/b/role", "/v1/vips/web",
                           "/v1/vips/web/role/", "v1/vips/web/role"}) {
    CAPTURE(path);
    CHECK_FALSE(match("/v1/vips/{name}/role", path).has_value());
  }
}

TEST_CASE("every call but the list itself is in the list") {
  const Served api;
  const auto paths = nlohmann::json::parse(api.get("/v1/openapi.json").body)["paths"];
  for (const char* path :
       {"/v1/document", "/v1/diff", "/v1/status", "/v1/vips/{name}/role", "/v1/events",
        "/v1/schema", "/healthz", "/readyz", "/v1/confirm", "/v1/rollback", "/v1/documents"}) {
    CAPTURE(path);
    CHECK(paths.contains(path));
  }
  CHECK(paths["/v1/document"].contains("put"));
  CHECK(paths["/v1/document"]["put"]["responses"].contains("412"));
}

TEST_CASE("how long a call may wait") {
  using namespace std::chrono_literals;
  CHECK(parse_wait("0s") == 0ms);
  CHECK(parse_wait("500ms") == 500ms);
  CHECK(parse_wait("10s") == 10'000ms);
  CHECK(parse_wait("1m") == 60'000ms);
  for (const char* text :
       {"", "10", "s", "-1s", "1.5s", "10 s", "61s", "2m", "99999999999999999999s"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_wait(text).has_value());
  }
}

TEST_CASE("conditions on ETags") {
  const std::string tag = etag_of("{}");
  CHECK(tag.size() == 34);
  CHECK(tag != etag_of("{} "));
  CHECK(holds({}, tag));
  CHECK(holds({}, ""));
  CHECK(holds({tag, ""}, tag));
  CHECK(holds({"\"x\", " + tag, ""}, tag));
  CHECK(holds({"*", ""}, tag));
  CHECK_FALSE(holds({"*", ""}, ""));
  CHECK_FALSE(holds({"\"x\"", ""}, tag));
  CHECK_FALSE(holds({"W/" + tag, ""}, tag));
  CHECK(holds({"", "*"}, ""));
  CHECK_FALSE(holds({"", "*"}, tag));
  CHECK_FALSE(holds({"", tag}, tag));
}
