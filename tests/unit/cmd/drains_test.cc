// Drains asked for by hand: the calls, and the file that keeps them.
#include "api/drains.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "tests/support/temporary_directory.h"
#include "twobox/drain_overrides.h"
#include "twobox/files.h"

using namespace twobox;
using namespace std::chrono_literals;
using twobox::testing::TemporaryDirectory;
using Json = nlohmann::ordered_json;

namespace {

/// A loop that knows one node, "b".
class Loop {
 public:
  Loop() {
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }

  HttpAnswer put(const std::string& name, const std::string& body) {
    HttpRequest request;
    request.body = body;
    return put_drain({request, {{"name", name}}}, {board, requests});
  }
  HttpAnswer end(const std::string& name) {
    const HttpRequest request;
    return delete_drain({request, {{"name", name}}}, {board, requests});
  }

  StatusBoard board;
  LoopRequests requests = *LoopRequests::open();
  std::vector<std::optional<std::chrono::seconds>> set;

 private:
  void run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      for (LoopRequest& any : requests.take()) {
        auto& request = std::get<DrainRequest>(any);
        const bool known = request.name == "b";
        if (known) set.push_back(request.deadline);
        if (known) show(request.deadline);
        request.answer.set_value(
            known ? success() : Status(Error{ErrorKind::kInvalidDocument, 0, "no such node"}));
      }
      std::this_thread::sleep_for(1ms);
    }
  }
  void show(std::optional<std::chrono::seconds> deadline) {
    DaemonView view;
    if (deadline) view.status.drains["b"] = *deadline;
    board.show(std::move(view));
  }
  std::jthread thread_;
};

}  // namespace

TEST_CASE("a drain is put, answered with all there are, and ended") {
  Loop loop;
  const HttpAnswer begun = loop.put("b", R"({"deadline": "5m"})");
  CHECK(begun.status == 200);
  CHECK(Json::parse(begun.body) == Json::parse(R"({"b": {"deadline": "300s"}})"));
  CHECK(loop.put("b", "{}").status == 200);
  const HttpAnswer ended = loop.end("b");
  CHECK(ended.status == 200);
  CHECK(Json::parse(ended.body) == Json::object());
  CHECK(loop.set == std::vector<std::optional<std::chrono::seconds>>{300s, 60s, std::nullopt});
}

TEST_CASE("what is no deadline is refused and reaches nobody") {
  Loop loop;
  for (const char* body :
       {"", "{", "[]", "null", R"({"deadline": 60})", R"({"deadline": "60"})",
        R"({"deadline": "0s"})", R"({"deadline": "25h"})", R"({"deadline": "1500ms"})",
        R"({"deadline": "60s", "for": "ever"})", R"({"until": "60s"})"}) {
    CAPTURE(body);
    const HttpAnswer answer = loop.put("b", body);
    CHECK(answer.status == 400);
    CHECK(answer.type == "application/problem+json");
  }
  CHECK(loop.put("b", std::string(5000, ' ')).status == 413);
  CHECK(loop.set.empty());
}

TEST_CASE("a node or server that the document does not have is not found") {
  Loop loop;
  CHECK(loop.put("c", "{}").status == 404);
  CHECK(loop.end("c").status == 404);
}

TEST_CASE("drains outlive the daemon") {
  const TemporaryDirectory directory;
  {
    auto file = DrainOverridesFile::open(directory.file("."));
    REQUIRE(file.has_value());
    CHECK(file->drains().empty());
    REQUIRE(file->set("b", 90s).has_value());
    REQUIRE(file->set("[2001:db8::31]:80", 24h).has_value());
    REQUIRE(file->set("a", 1s).has_value());
    REQUIRE(file->set("a", std::nullopt).has_value());
  }
  const auto again = DrainOverridesFile::open(directory.file("."));
  REQUIRE(again.has_value());
  CHECK(again->drains() == DrainOverrides{{"b", 90s}, {"[2001:db8::31]:80", 24h}});
}
