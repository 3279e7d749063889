#include "reconciler/keepalived_config.h"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "schema/parse.h"
#include "tests/unit/schema/documents.h"

using namespace twobox;

namespace {

constexpr std::string_view kFollowAddress = R"({"follow": "address"})";

std::string example(const std::string& name) {
  std::ifstream file(std::string(TWOBOX_SOURCE_DIR) + "/schema/examples/" + name);
  REQUIRE(file);
  return {std::istreambuf_iterator<char>(file), {}};
}

Document parsed(const std::string& text) {
  auto document = parse_document(text);
  REQUIRE(std::holds_alternative<Document>(document));
  return std::get<Document>(std::move(document));
}

std::string follow_keepalived(const std::string& instance, const std::string& fifo) {
  return R"({"follow": "keepalived", "instance": ")" + instance + R"(", "fifo": ")" + fifo + "\"}";
}

/// The reference set-up with a role that follows the address.
std::string reference() {
  return test::with(example("two-box-redirect.json"), "/vips/web/role", kFollowAddress);
}

/// VIPs "mail" and "web" on nodes a and b.
std::string two_vips(std::string_view mail_role, std::string_view web_role) {
  return test::with(test::with(example("two-vips.json"), "/vips/mail/role", mail_role),
                    "/vips/web/role", web_role);
}

std::string config(const std::string& document, const NodeName& node) {
  const auto text = keepalived_config(parsed(document), node);
  REQUIRE(text);
  return *text;
}

std::string refusal(const std::string& document) {
  const auto text = keepalived_config(parsed(document), "a");
  REQUIRE_FALSE(text);
  CHECK(text.error().kind == ErrorKind::kInvalidDocument);
  return text.error().message;
}

/// The lines that begin with `keyword`, without it and without their indentation.
test::Lines values(const std::string& text, const std::string& keyword) {
  test::Lines found;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    std::string line = text.substr(begin, end - begin);
    line.erase(0, line.find_first_not_of(' '));
    if (line.starts_with(keyword + " ")) found.push_back(line.substr(keyword.size() + 1));
    begin = end + 1;
  }
  return found;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("keepalived_config: the reference set-up, word by word") {
  CHECK(config(reference(), "a") == R"(# keepalived for node a, by `twobox render keepalived`.
# Run it as `keepalived -P`: VRRP alone, since twobox holds IPVS and the bypass.
# No notify scripts: twobox sees the address come and go.
#
# A node that comes back takes its VIPs again. Where a second move is worse than
# a wrong place, give every instance `nopreempt`.
global_defs {
    router_id a
}

# web: nodes in order of preference: a, b
vrrp_instance VI_1 {
    state BACKUP
    interface enp0s3
    virtual_router_id 51
    priority 100
    advert_int 1
    authentication {
        auth_type PASS
        auth_pass twobox
    }
    virtual_ipaddress {
        172.16.0.30/32 dev enp0s3
    }
}
)");
}

TEST_CASE("keepalived_config: nodes differ in name and priority only") {
  const std::string on_a = config(reference(), "a");
  std::string on_b = config(reference(), "b");
  for (const auto& [theirs, ours] : std::vector<std::pair<std::string, std::string>>{
           {"for node b", "for node a"}, {"router_id b", "router_id a"}, {"y 50\n", "y 100\n"}}) {
    const std::size_t at = on_b.find(theirs);
    REQUIRE(at != std::string::npos);
    on_b.replace(at, theirs.size(), ours);
  }
  CHECK(on_a == on_b);
}

TEST_CASE("keepalived_config: each of several VIPs prefers another node") {
  const std::string document = two_vips(kFollowAddress, kFollowAddress);
  const std::string on_a = config(document, "a");
  CHECK(values(on_a, "vrrp_instance") == test::Lines{"VI_1 {", "VI_2 {"});
  CHECK(values(on_a, "virtual_router_id") == test::Lines{"51", "52"});
  CHECK(values(on_a, "priority") == test::Lines{"100", "50"});
  CHECK(values(config(document, "b"), "priority") == test::Lines{"50", "100"});
}

TEST_CASE("keepalived_config: priorities of many nodes are all different") {
  std::string document = reference();
  for (const char* name : {"c", "d"})
    document = test::with(document, std::string("/nodes/") + name,
                          R"({"addresses": ["172.16.0.39"], "macs": ["08:00:27:00:00:01"]})");
  test::Lines priorities;
  for (const char* node : {"a", "b", "c", "d"})
    priorities.push_back(values(config(document, node), "priority").front());
  CHECK(priorities == test::Lines{"100", "50", "47", "44"});
}

TEST_CASE("keepalived_config: with a sync daemon all VIPs move together") {
  const std::string document =
      test::with(two_vips(kFollowAddress, kFollowAddress), "/sync", R"({"interface": "enp0s3"})");
  const std::string on_b = config(document, "b");
  CHECK(values(on_b, "priority") == test::Lines{"50", "50"});
  CHECK(
      contains(on_b, "vrrp_sync_group all {\n    group {\n        VI_1\n        VI_2\n    }\n}\n"));
}

TEST_CASE("keepalived_config: IPv6 has no authentication") {
  const std::string text =
      config(test::with(example("two-box-ipv6.json"), "/vips/web/role", kFollowAddress), "a");
  CHECK_FALSE(contains(text, "auth"));
  CHECK(contains(text, "    virtual_ipaddress {\n        2001:db8::30/128 dev enp0s3\n    }\n"));
}

TEST_CASE("keepalived_config: a VIP that twobox owns is left out") {
  const std::string text = config(two_vips(R"({"master": "b"})", kFollowAddress), "a");
  CHECK(values(text, "vrrp_instance") == test::Lines{"VI_1 {"});
  CHECK_FALSE(contains(text, "172.16.0.29"));
  CHECK(contains(text, "# VIP mail is left out: the document gives its role"));
}

TEST_CASE("keepalived_config: the document's instance and FIFO") {
  const std::string document =
      two_vips(kFollowAddress, follow_keepalived("VI_1", "/run/vrrp fifo"));
  const std::string text = config(document, "a");
  CHECK(values(text, "vrrp_notify_fifo") == test::Lines{"\"/run/vrrp fifo\""});
  CHECK(contains(text, "    fifo_write_vrrp_states_on_reload\n"));
  // The generated name makes way.
  CHECK(values(text, "vrrp_instance") == test::Lines{"VI_2 {", "VI_1 {"});
}

TEST_CASE("keepalived_config: VIPs of one instance share it, also over families") {
  const std::string role = follow_keepalived("both", "/run/vrrp.fifo");
  std::string document = two_vips(role, role);
  document = test::with(document, "/vips/web/address", "\"2001:db8::30\"");
  const std::string text = config(document, "a");
  CHECK(values(text, "vrrp_instance") == test::Lines{"both {"});
  CHECK(contains(text, "    virtual_ipaddress {\n        172.16.0.29/32 dev enp0s3\n    }\n"));
  CHECK(contains(text,
                 "    virtual_ipaddress_excluded {\n        2001:db8::30/128 dev enp0s3\n    }\n"));
}

TEST_CASE("keepalived_config: router ids go round after 255 and never repeat") {
  const auto with_vips = [](unsigned count) {
    Document many = parsed(reference());
    const Vip pattern = many.vips.at("web");
    many.vips.clear();
    for (unsigned i = 0; i < count; ++i) many.vips.emplace("v" + std::to_string(1000 + i), pattern);
    return many;
  };
  const auto text = keepalived_config(with_vips(255), "a");
  REQUIRE(text);
  const auto ids = values(*text, "virtual_router_id");
  CHECK(ids.at(204) == "255");
  CHECK(ids.at(205) == "1");
  CHECK(ids.at(254) == "50");
  CHECK_FALSE(keepalived_config(with_vips(256), "a"));
}

TEST_CASE("keepalived_config: what keepalived could not do is refused") {
  CHECK(contains(refusal(example("two-box-redirect.json")), "no VIP's role is"));
  CHECK(contains(
      refusal(two_vips(follow_keepalived("x", "/run/1"), follow_keepalived("y", "/run/2"))),
      "VIP web: its fifo is /run/2, another VIP's is /run/1"));
  CHECK(contains(refusal(two_vips(kFollowAddress, follow_keepalived("VI #1", "/run/1"))),
                 "VIP web: in \"VI #1\""));
}
