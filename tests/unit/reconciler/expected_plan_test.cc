#include "reconciler/expected_plan.h"

#include <doctest/doctest.h>

using namespace twobox;

namespace {

Step held(const char* sysctl, const char* before, const char* after) {
  return {Phase::kHoldSysctls, SysctlChange{{sysctl}, SysctlConfig{before}, SysctlConfig{after}},
          "held by the document"};
}

DiffReport report(std::vector<Step> steps) {
  DiffReport diff{"a", {}, {}};
  diff.plan.steps = std::move(steps);
  return diff;
}

using Lines = std::vector<std::string>;

Lines differences(const DiffReport& saved, const DiffReport& now) {
  const auto lines = plan_differences(diff_json(saved), now);
  REQUIRE(lines.has_value());
  return *lines;
}

const Step kForward = held("net.ipv4.ip_forward", "0", "1");
const Step kBacklog = held("net.core.somaxconn", "128", "4096");

}  // namespace

TEST_CASE("the plan that was saved is the plan of now") {
  CHECK(differences(report({}), report({})).empty());
  CHECK(differences(report({kForward, kBacklog}), report({kForward, kBacklog})).empty());
}

TEST_CASE("order, reasons and what is foreign make no difference, nor does how it is written") {
  DiffReport now = report({kBacklog, kForward});
  now.plan.steps[0].reason = "otherwise";
  now.plan.foreign.push_back(
      {AddressKey{*InterfaceName::parse("eth0"), *IpPrefix::parse("192.0.2.9/32")}, "foreign"});
  CHECK(differences(report({kForward, kBacklog}), now).empty());
  const char* const by_hand =
      "{\"changes\": [{\"after\": {\"value\": \"1\"}, \"before\": {\"value\": \"0\"},\n"
      "\"key\": \"net.ipv4.ip_forward\", \"kind\": \"sysctl\", \"action\": \"update\"}],\n"
      "\"node\": \"a\", \"format\": 1}";
  CHECK(plan_differences(by_hand, report({kForward})).value().empty());
}

TEST_CASE("each change that differs is one line") {
  CHECK(differences(report({kForward}), report({})) ==
        Lines{"saved, and not to be done now: update sysctl net.ipv4.ip_forward"});
  CHECK(differences(report({}), report({kForward})) ==
        Lines{"not in the saved plan: update sysctl net.ipv4.ip_forward: {\"value\":\"0\"} -> "
              "{\"value\":\"1\"}"});
  CHECK(differences(report({kForward, kBacklog}),
                    report({held("net.ipv4.ip_forward", "2", "1"), kBacklog})) ==
        Lines{"saved otherwise: update sysctl net.ipv4.ip_forward: {\"value\":\"0\"} -> "
              "{\"value\":\"1\"}, and now {\"value\":\"2\"} -> {\"value\":\"1\"}"});
}

TEST_CASE("another node's plan is another plan, also when nothing is to be done") {
  DiffReport other = report({});
  other.node = "b";
  CHECK(differences(other, report({})) == Lines{"the saved plan is node b's, and this is node a"});
}

TEST_CASE("what is no saved plan is refused") {
  const std::string saved = diff_json(report({kForward}));
  for (const std::string& text :
       {std::string(), std::string("[]"), std::string("{}"), saved.substr(0, saved.size() - 1),
        std::string("{\"format\": 2, \"node\": \"a\", \"changes\": []}"),
        std::string("{\"format\": 1, \"node\": 7, \"changes\": []}"),
        std::string("{\"format\": 1, \"node\": \"a\", \"changes\": {}}"),
        std::string("{\"format\": 1, \"node\": \"a\", \"changes\": [{\"action\": \"create\"}]}"),
        "{\"format\": " + std::string(100'000, '[') + std::string(100'000, ']') + "}",
        std::string("\xff\xfe")}) {
    CAPTURE(text);
    const auto lines = plan_differences(text, report({}));
    REQUIRE_FALSE(lines.has_value());
    CHECK(lines.error().kind == ErrorKind::kInvalidDocument);
  }
}
