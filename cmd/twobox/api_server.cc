#include "twobox/api_server.h"

#include <httplib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <thread>

#include "backends/file_descriptor.h"
#include "schema/net.h"
#include "twobox/api_role.h"

namespace twobox {
namespace {

constexpr char kJson[] = "application/json";
constexpr int kHandlerThreads = 4;
constexpr std::size_t kMaxRoleBytes = 4096;
constexpr std::size_t kMaxSocketPath = sizeof(sockaddr_un::sun_path) - 1;  // and the closing NUL

/// The body of a PUT. Its bytes are counted here, after chunks and compression, where no header can
/// understate them. nullopt: there were more than kMaxRoleBytes.
std::optional<std::string> read_body(const httplib::ContentReader& content) {
  std::string body;
  const bool whole = content([&body](const char* bytes, std::size_t count) {
    if (body.size() + count > kMaxRoleBytes) return false;
    body.append(bytes, count);
    return true;
  });
  if (!whole) return std::nullopt;
  return body;
}

void add_views(httplib::Server& server, const StatusBoard& board) {
  server.Get("/v1/status", [&board](const httplib::Request&, httplib::Response& response) {
    response.set_content(status_json(*board.look()) + "\n", kJson);
  });
  server.Get("/healthz", [](const httplib::Request&, httplib::Response& response) {
    response.set_content("{\"alive\": true}\n", kJson);
  });
  server.Get("/readyz", [&board](const httplib::Request&, httplib::Response& response) {
    const bool ready = is_ready(*board.look());
    response.status = ready ? 200 : 503;
    response.set_content(ready ? "{\"ready\": true}\n" : "{\"ready\": false}\n", kJson);
  });
}

void add_role(httplib::Server& server, const StatusBoard& board, RoleRequests& requests) {
  server.Put(R"(/v1/vips/([^/]+)/role)",
             [&board, &requests](const httplib::Request& request, httplib::Response& response,
                                 const httplib::ContentReader& content) {
               const Answer answer =
                   request.get_header_value("Content-Type") == kJson
                       ? put_role(request.matches[1], read_body(content), board, requests)
                       : problem(415, "the body must be application/json");
               response.status = answer.status;
               response.set_content(answer.body + "\n", answer.type);
             });
}

void harden(httplib::Server& server) {
  server.new_task_queue = [] { return new httplib::ThreadPool(kHandlerThreads); };
  server.set_payload_max_length(kMaxRoleBytes);
  // One request with many overlapping ranges would multiply the answer (httplib 0.11).
  server.set_pre_routing_handler([](const httplib::Request& request, httplib::Response&) {
    const_cast<httplib::Request&>(request).ranges.clear();  // NOLINT(*-const-cast): no other way
    return httplib::Server::HandlerResponse::Unhandled;
  });
  // What no route answers is a problem like any other.
  server.set_error_handler([](const httplib::Request&, httplib::Response& response) {
    if (!response.body.empty()) return;
    const Answer answer =
        problem(response.status, "this API has no such call, or the request was malformed");
    response.set_content(answer.body + "\n", answer.type);
  });
  // The default handler would put the exception's text into a header.
  server.set_exception_handler([](const httplib::Request&, httplib::Response& response,
                                  const std::exception_ptr&) { response.status = 500; });
}

class HttplibServer : public ApiServer {
 public:
  HttplibServer(const StatusBoard& board, RoleRequests& requests) {
    harden(server_);
    add_views(server_, board);
    add_role(server_, board, requests);
  }
  HttplibServer(const HttplibServer&) = delete;
  HttplibServer& operator=(const HttplibServer&) = delete;
  ~HttplibServer() override {
    if (!thread_.joinable()) return;
    server_.stop();
    thread_.join();
    if (!path_.empty()) ::unlink(path_.c_str());
  }

  Status bind(const ListenAddress& address) {
    if (address.port == 0) return bind_unix(address.host_or_path);
    if (server_.bind_to_port(address.host_or_path, address.port)) return success();
    return Error{ErrorKind::kUnavailable, errno,
                 "listen on " + address.host_or_path + ":" + std::to_string(address.port) + ": " +
                     std::strerror(errno)};
  }

  /// Returns when connections are taken, so that stop() can't come before there is anything to
  /// stop.
  void serve() {
    thread_ = std::thread([this] {
      server_.listen_after_bind();
      ended_ = true;
    });
    while (!server_.is_running() && !ended_)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

 private:
  Status bind_unix(const std::string& path) {
    std::error_code ignored;  // the bind below says what is wrong
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
    server_.set_address_family(AF_UNIX);
    if (somebody_listens(path))
      return Error{ErrorKind::kUnavailable, EADDRINUSE,
                   "listen on unix:" + path + ": another process serves it"};
    if (std::filesystem::is_socket(path, ignored)) ::unlink(path.c_str());
    // By umask, so that there is no moment at which others may connect.
    const mode_t before = ::umask(0117);
    const bool bound = server_.bind_to_port(path, 80);
    const int code = errno;
    ::umask(before);
    if (!bound)
      return Error{ErrorKind::kUnavailable, code,
                   "listen on unix:" + path + ": " + std::strerror(code)};
    path_ = path;
    return success();
  }

  /// A daemon that hangs still has its socket, so that it listens is enough. EAGAIN: it listens,
  /// and its queue is full.
  static bool somebody_listens(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    const FileDescriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ||
           errno == EAGAIN;
  }

  httplib::Server server_;
  std::thread thread_;
  std::atomic<bool> ended_ = false;
  std::string path_;
};

Error bad_address(const std::string& text, const std::string& why) {
  return {ErrorKind::kInvalidDocument, 0, "listen address '" + text + "': " + why};
}

}  // namespace

void StatusBoard::show(StatusReport report) {
  auto next = std::make_shared<const StatusReport>(std::move(report));
  const std::lock_guard lock(mutex_);
  report_ = std::move(next);
}

std::shared_ptr<const StatusReport> StatusBoard::look() const {
  const std::lock_guard lock(mutex_);
  return report_;
}

Result<ListenAddress> parse_listen_address(const std::string& text) {
  constexpr std::string_view kUnix = "unix:";
  if (text.starts_with(kUnix)) {
    const std::string path = text.substr(kUnix.size());
    if (!path.starts_with('/')) return bad_address(text, "the path must be absolute");
    if (path.size() > kMaxSocketPath)
      return bad_address(text,
                         "the path may have at most " + std::to_string(kMaxSocketPath) + " bytes");
    return ListenAddress{path, 0};
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return bad_address(text, "allowed are unix:PATH and HOST:PORT");
  std::string host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const auto address = IpAddress::parse(host);
  if (!address) return bad_address(text, "HOST must be an address");
  if (!address->is_loopback())
    return bad_address(text, "without TLS and a token only a loopback address may be used");
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + colon + 1, end, port);
  if (parsed.ec != std::errc{} || parsed.ptr != end || port == 0)
    return bad_address(text, "PORT must be a number from 1 to 65535");
  return ListenAddress{host, port};
}

Result<std::unique_ptr<ApiServer>> ApiServer::start(const ListenAddress& address,
                                                    const StatusBoard& board,
                                                    RoleRequests& requests) {
  auto server = std::make_unique<HttplibServer>(board, requests);
  if (const Status bound = server->bind(address); !bound) return bound.error();
  server->serve();
  return std::unique_ptr<ApiServer>(std::move(server));
}

}  // namespace twobox
