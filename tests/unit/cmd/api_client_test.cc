#include "twobox/api_client.h"

#include <doctest/doctest.h>

#include <string>

using namespace twobox;

namespace {

/// `inner` in so many arrays.
std::string nested(std::size_t depth, const std::string& inner) {
  return std::string(depth, '[') + inner + std::string(depth, ']');
}

}  // namespace

TEST_CASE("refusal_lines() has the detail and one line for each fault") {
  const std::string body =
      R"({"detail": "the document is invalid", "errors": [{"pointer": "/vips", "detail": "found 3"}]})";
  CHECK(refusal_lines({400, body}) ==
        std::vector<std::string>{"the daemon refused: the document is invalid", "/vips: found 3"});
}

TEST_CASE("refusal_lines() of what is no refusal says its number") {
  for (const std::string body : {"", "not JSON", "[]"})
    CHECK(refusal_lines({502, body}) == std::vector<std::string>{"the daemon answered 502"});
}

// To copy a value takes as much stack as it is deep, and whoever listens on a peer's port may
// answer anything.
TEST_CASE("refusal_lines() of an answer that is nested deeply says its number") {
  const std::string body = R"({"detail": "no", "errors": )" + nested(1'000'000, "") + "}";
  CHECK(refusal_lines({400, body}) == std::vector<std::string>{"the daemon answered 400"});
}
