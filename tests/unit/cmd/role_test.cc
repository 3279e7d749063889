#include "api/role.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "tests/support/temporary_directory.h"
#include "twobox/files.h"
#include "twobox/role_overrides.h"

using namespace twobox;
using twobox::testing::TemporaryDirectory;
using Json = nlohmann::ordered_json;

namespace {

/// A loop that knows one VIP, "web".
class Loop {
 public:
  Loop() {
    DaemonView snapshot;
    snapshot.status.vips["web"] = {Role::kMaster, "override", {}};
    board.show(snapshot);
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }

  StatusBoard board;
  LoopRequests requests = *LoopRequests::open();
  std::vector<std::optional<Role>> set;

  HttpAnswer put(const std::string& vip, const std::string& body) {
    HttpRequest request;
    request.body = body;
    return put_role({request, {{"name", vip}}}, {board, requests});
  }

 private:
  void run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      for (LoopRequest& any : requests.take()) {
        auto& request = std::get<RoleRequest>(any);
        const bool known = request.vip == "web";
        if (known) set.push_back(request.role);
        request.answer.set_value(
            known ? success() : Status(Error{ErrorKind::kInvalidDocument, 0, "no such vip"}));
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  std::jthread thread_;
};

}  // namespace

TEST_CASE("a role is put and answered with what holds now") {
  Loop loop;
  const HttpAnswer answer = loop.put("web", R"({"role": "master"})");
  CHECK(answer.status == 200);
  CHECK(Json::parse(answer.body) ==
        Json{{"vip", "web"}, {"role", "master"}, {"source", "override"}});
  CHECK(loop.put("web", R"({"role": "document"})").status == 200);
  CHECK(loop.set == std::vector<std::optional<Role>>{Role::kMaster, std::nullopt});
}

TEST_CASE("what is no role is refused and reaches nobody") {
  Loop loop;
  for (const char* body : {"", "{", "[]", "null", "{}", R"({"role": "Master"})", R"({"role": 1})",
                           R"({"role": "master", "for": "ever"})"}) {
    CAPTURE(body);
    const HttpAnswer answer = loop.put("web", body);
    CHECK(answer.status == 400);
    CHECK(answer.type == "application/problem+json");
  }
  CHECK(loop.put("web", std::string(5000, ' ')).status == 413);
  CHECK(loop.set.empty());
}

TEST_CASE("a vip that is not in the document is not found") {
  Loop loop;
  const HttpAnswer answer = loop.put("mail", R"({"role": "backup"})");
  CHECK(answer.status == 404);
  CHECK(Json::parse(answer.body)["detail"] == "no such vip");
}

TEST_CASE("roles set by hand outlive the process, not the boot") {
  const TemporaryDirectory directory;
  {
    auto file = RoleOverridesFile::open(directory.file("."));
    REQUIRE(file.has_value());
    CHECK(file->roles().empty());
    REQUIRE(file->set("web", Role::kFault).has_value());
    REQUIRE(file->set("mail", Role::kMaster).has_value());
    REQUIRE(file->set("mail", std::nullopt).has_value());
  }
  const auto again = RoleOverridesFile::open(directory.file("."));
  REQUIRE(again.has_value());
  CHECK(again->roles() == RoleOverrides{{"web", Role::kFault}});

  const auto path = std::filesystem::directory_iterator(directory.file("."))->path();
  std::string text = *read_file(path.string(), 4096);
  const std::size_t boot = text.find("boot_id\": \"") + 11;
  text[boot] = text[boot] == '0' ? '1' : '0';
  REQUIRE(replace_file(path.string(), text).has_value());
  CHECK(RoleOverridesFile::open(directory.file("."))->roles().empty());

  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  for (const std::string& damaged :
       {std::string(R"({"format": 1, "roles": 7})"), R"({"format": )" + deep + "}"}) {
    REQUIRE(replace_file(path.string(), damaged).has_value());
    CHECK_FALSE(RoleOverridesFile::open(directory.file(".")).has_value());
  }
}
