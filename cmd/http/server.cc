#include "http/server.h"

#include <httplib.h>

#include <algorithm>
#include <cctype>

#include "http/stream.h"
#include "http/workers.h"

namespace twobox {
namespace {

constexpr std::size_t kViewThreads = 4;
constexpr std::size_t kBodyThreads = 16;  // some of which wait for the kernel to be as asked
constexpr std::size_t kMaxQueued = 256;

std::string in_lower_case(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

HttpRequest read(const httplib::Request& from) {
  HttpRequest request;
  request.entrance = entrance_from(from.remote_addr);
  request.method = from.method;
  request.path = from.path;
  request.query = {from.params.begin(), from.params.end()};
  for (const auto& [name, value] : from.headers) request.header.emplace(in_lower_case(name), value);
  return request;
}

void write(const HttpAnswer& answer, httplib::Response& to) {
  to.status = answer.status;
  for (const auto& [name, value] : answer.header) to.set_header(name, value);
  if (!answer.more) {
    to.set_content(answer.body, answer.type);
    return;
  }
  to.set_chunked_content_provider(answer.type,
                                  [more = answer.more](std::size_t, httplib::DataSink& sink) {
                                    const auto piece = more();
                                    if (!piece) {
                                      sink.done();
                                      return true;
                                    }
                                    if (piece->empty()) return sink.is_writable();
                                    sink.write(piece->data(), piece->size());
                                    return true;
                                  });
}

/// httplib reads the call and writes the answer; its sockets and threads are not used.
class Parser : public httplib::Server {
 public:
  explicit Parser(const HttpService& service) : service_(service) {
    svr_sock_ = 0;  // anything valid: endless answers go on only while there is a socket
    // What has no body is answered before routing; a body is read by the catch-all routes.
    set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
      return look_at(request, response) ? HandlerResponse::Handled : HandlerResponse::Unhandled;
    });
    const auto read_body = [this](const httplib::Request& request, httplib::Response& response,
                                  const httplib::ContentReader& content) {
      write(with_body(request, content), response);
    };
    Put(".*", read_body);
    Post(".*", read_body);
    set_error_handler([this](const httplib::Request&, httplib::Response& response) {
      if (response.body.empty())
        write(service_.fault(response.status, "the call was malformed"), response);
    });
    // The default handler would put the exception's text into a header.
    set_exception_handler([](const httplib::Request&, httplib::Response& response,
                             const std::exception_ptr&) { response.status = 500; });
  }

  void serve(Connection& connection, const Workers& workers) {
    ClientStream stream(connection, workers);
    bool closed = false;
    process_request(stream, /*close_connection=*/true, closed, nullptr);
  }

 private:
  bool look_at(const httplib::Request& from, httplib::Response& to) const {
    const HttpRequest request = read(from);
    if (auto refusal = service_.refuse(request)) {
      write(*refusal, to);
      return true;
    }
    if (request.method == "PUT" || request.method == "POST") return false;
    write(service_.answer(request), to);
    return true;
  }

  /// The bytes are counted as they come, after chunks, where no header can understate them.
  HttpAnswer with_body(const httplib::Request& from, const httplib::ContentReader& content) const {
    HttpRequest request = read(from);
    bool too_much = false;
    const bool whole = content([&](const char* bytes, std::size_t count) {
      too_much = request.body.size() + count > service_.max_body();
      if (!too_much) request.body.append(bytes, count);
      return !too_much;
    });
    if (too_much)
      return service_.fault(413,
                            "a body may have " + std::to_string(service_.max_body()) + " bytes");
    if (!whole) return service_.fault(400, "the body was malformed, or took too long to arrive");
    return service_.answer(request);
  }

  const HttpService& service_;
};

class Server : public HttpServer {
 public:
  explicit Server(const HttpService& service) : service_(service), parser_(service) {}
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() override {
    if (door_) door_->close();
    for (Workers* workers : {&views_, &bodies_, &watchers_}) workers->close();
  }

  Status open(std::vector<Listener> listeners) {
    auto door = Door::open(
        std::move(listeners), [this](Connection& connection) { return give(connection); },
        [this](int status, const std::string& why) {
          return raw_answer(service_.fault(status, why));
        });
    if (!door) return door.error();
    door_ = *std::move(door);
    door_->start();
    return success();
  }

 private:
  bool give(Connection& connection) {
    if (service_.is_endless(connection.head.path)) return watchers_.give(connection);
    const bool with_body = connection.head.method != "GET" && connection.head.method != "HEAD";
    return (with_body ? bodies_ : views_).give(connection);
  }

  void work(Connection connection, const Workers& workers) {
    std::string& bytes = connection.bytes;
    bytes = without_ranges(std::string_view(bytes).substr(0, connection.head.bytes)) +
            bytes.substr(connection.head.bytes);
    parser_.serve(connection, workers);
    connection.channel->end();
    // Of a body something may still come that nobody read.
    if (connection.head.chunked || connection.head.content_length.value_or(0) > 0)
      door_->linger(std::move(connection));
  }

  Workers::Work work() {
    return [this](Connection connection, const Workers& workers) {
      work(std::move(connection), workers);
    };
  }

  const HttpService& service_;
  Parser parser_;
  std::unique_ptr<Door> door_;
  Workers views_{kViewThreads, kMaxQueued, work()};
  Workers bodies_{kBodyThreads, kMaxQueued, work()};
  Workers watchers_{kMaxWatchers, 0, work()};
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::start(std::vector<Listener> listeners,
                                                      const HttpService& service) {
  auto server = std::make_unique<Server>(service);
  if (const Status opened = server->open(std::move(listeners)); !opened) return opened.error();
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace twobox
