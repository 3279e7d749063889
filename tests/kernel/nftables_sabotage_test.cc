// Whatever somebody does to the table with nft is seen as a difference, and the plan made from it
// brings the table back.
#include <doctest/doctest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "reconciler/bypass_table.h"
#include "tests/kernel/nftables_support.h"

namespace twobox::nft_test {
namespace {

using nlohmann::json;

KernelState redirect_state() {
  KernelState state;
  add_redirect_rules(state, RedirectOf::kEveryPacket);
  add_redirect(state, endpoint("192.0.2.1", Protocol::kTcp, 80), RedirectOf::kEveryPacket);
  add_redirect(state, endpoint("2001:db8::1", Protocol::kTcp, 80), RedirectOf::kEveryPacket);
  return state;
}

std::string our_chain() {
  return redirect_state().nft_chains.begin()->first.name;
}

/// "Chain NAME" in nft's JSON, which takes names that are keywords of its language.
json in_table(json object) {
  object["family"] = "inet";
  object["table"] = "twobox";
  return object;
}

json rule_with(json expressions) {
  return {{"rule", in_table({{"chain", our_chain()}, {"expr", std::move(expressions)}})}};
}

/// Our IPv4 rule as nft lists it: replaced by what `edit` makes of it.
void edit_rule(const std::function<void(json& rule)>& edit) {
  const json listed = json::parse(run("nft -j list table inet twobox").text);
  for (const json& object : listed.at("nftables")) {
    if (!object.contains("rule")) continue;
    json rule = object.at("rule");
    if (!rule.value("comment", "").starts_with("redirect-ipv4:")) continue;
    edit(rule);
    nft_json({{"replace", {{"rule", rule}}}});
    return;
  }
  FAIL("nft lists no such rule");
}

void delete_a_rule(NftablesBackend::Handles handles) {
  nft_json({{"delete",
             {{"rule", in_table({{"chain", our_chain()}, {"handle", handles.begin()->second}})}}}});
}

struct Sabotage {
  std::string name;
  std::function<void(const NftablesBackend::Handles&)> commit;
};

Sabotage script(const char* text) {
  return {text, [text](const auto&) { nft(text); }};
}
Sabotage command(const char* name, json object) {
  return {name, [object = std::move(object)](const auto&) { nft_json(object); }};
}
Sabotage rule_edit(const char* name, std::function<void(json&)> edit) {
  return {name, [edit = std::move(edit)](const auto&) { edit_rule(edit); }};
}

const json kAccept = {{"accept", nullptr}};
const json kCounter = {{"counter", nullptr}};
const json kIsTcp = {
    {"match", {{"op", "=="}, {"left", {{"meta", {{"key", "l4proto"}}}}}, {"right", "tcp"}}}};

std::vector<Sabotage> against_table() {
  return {script("flush ruleset"),
          script("delete table inet twobox"),
          script("flush table inet twobox"),
          script("add table inet twobox { flags dormant; }"),
          script("add chain inet twobox extra"),
          script("add chain inet twobox extra { type filter hook input priority 0; policy drop; }"),
          script("add chain inet twobox extra { type filter hook ingress device lo priority 0; }"),
          command("policy drop", {{"add",
                                   {{"chain", in_table({{"name", our_chain()},
                                                        {"type", "nat"},
                                                        {"hook", "prerouting"},
                                                        {"prio", -100},
                                                        {"policy", "drop"}})}}}})};
}

std::vector<Sabotage> against_rules() {
  return {
      {"a rule deleted", delete_a_rule},
      command("a rule appended", {{"add", rule_with({kAccept})}}),
      command("a rule before ours", {{"insert", rule_with({kCounter, kAccept})}}),
      rule_edit("counted no more", [](json& rule) { rule["expr"].erase(1); }),
      rule_edit("counted twice",
                [](json& rule) { rule["expr"].insert(rule["expr"].begin() + 1, kCounter); }),
      rule_edit("counted first",
                [](json& rule) { rule["expr"].insert(rule["expr"].begin(), kCounter); }),
      rule_edit("verdict taken off",
                [](json& rule) { rule["expr"].erase(rule["expr"].size() - 1); }),
      rule_edit("to another port",
                [](json& rule) {
                  rule["expr"].insert(rule["expr"].begin(), kIsTcp);
                  rule["expr"].back() = {{"redirect", {{"port", 8080}}}};
                }),
      rule_edit("random port",
                [](json& rule) {
                  rule["expr"].back() = {{"redirect", {{"flags", "fully-random"}}}};
                }),
      rule_edit("another verdict", [](json& rule) { rule["expr"].back() = kAccept; }),
      rule_edit("inverted", [](json& rule) { rule["expr"][0]["match"]["op"] = "!="; }),
      rule_edit("source instead of destination",
                [](json& rule) {
                  rule["expr"][0]["match"]["left"]["concat"][0]["payload"]["field"] = "saddr";
                }),
      rule_edit("comment edited", [](json& rule) { rule["comment"] = "redirect-ipv4: mine now"; }),
      rule_edit("comment taken off", [](json& rule) { rule.erase("comment"); }),
      {"a rule copied",
       [](const auto&) {
         edit_rule([](json& rule) {
           nft_json({{"add", {{"rule", rule}}}});
           nft_json({{"insert", {{"rule", rule}}}});
         });
       }},
      script("add chain inet twobox extra; add rule inet twobox extra jump { accept; }"),
      script("add chain inet twobox extra; add rule inet twobox extra tcp dport { 1, 2 } drop"),
      script("add chain inet twobox one; add chain inet twobox two; "
             "add rule inet twobox one jump two; add rule inet twobox two counter"),
  };
}

std::vector<Sabotage> against_sets() {
  return {
      script("flush set inet twobox redirect-ipv4"),
      script("delete element inet twobox redirect-ipv4 { 192.0.2.1 . tcp . 80 }"),
      script("add element inet twobox redirect-ipv4 { 192.0.2.1 . tcp . 81 }"),
      script("add element inet twobox redirect-ipv4 { 192.0.2.1 . icmp . 80 }"),
      script("add element inet twobox redirect-ipv4 { * }"),
      script("delete element inet twobox redirect-ipv6 { 2001:db8::1 . tcp . 80 }; "
             "add element inet twobox redirect-ipv6 { 2001:db8::2 . tcp . 80 }"),
      script("add set inet twobox extra { type ipv4_addr; elements = { 192.0.2.1 }; }"),
      script("add set inet twobox extra { type ipv4_addr . inet_proto . inet_service; "
             "flags interval; elements = { 192.0.2.0/24 . tcp . 1-5, 198.51.100.1 . udp . 7 }; }"),
      script("add set inet twobox extra { type ipv4_addr; flags interval; "
             "elements = { 192.0.2.0/24, 198.51.100.1-198.51.100.7 }; }"),
      script("add set inet twobox extra { type ipv4_addr; flags constant; "
             "elements = { 192.0.2.1 }; }"),
      script("add set inet twobox extra { type ether_addr; timeout 1h; "
             "elements = { 02:00:00:00:00:01 }; }"),
      script("add set inet twobox extra { type ipv4_addr . inet_proto . inet_service; counter; "
             "elements = { 192.0.2.1 . tcp . 80 }; }"),
      script("add chain inet twobox target; add map inet twobox extra { type ipv4_addr : verdict; "
             "elements = { 192.0.2.1 : jump target }; }"),
  };
}

/// Our IPv4 set, replaced by one of the same name.
Sabotage set_remade(const char* properties) {
  return {properties, [properties](const auto&) {
            nft("flush table inet twobox; delete set inet twobox redirect-ipv4; "
                "add set inet twobox redirect-ipv4 { " +
                std::string(properties) + " }");
            nft_json({{"add", rule_with({kCounter})}});
          }};
}

std::vector<Sabotage> with_other_sets() {
  return {set_remade("type ipv4_addr;"),
          set_remade("type ipv4_addr . inet_proto . inet_service; size 1;"),
          set_remade("type ipv4_addr . inet_proto . inet_service; policy memory;"),
          set_remade("type ipv4_addr . inet_proto . inet_service; flags timeout;"),
          set_remade("type ipv4_addr . inet_proto . inet_service; timeout 1h; "
                     "elements = { 192.0.2.1 . tcp . 80 };"),
          set_remade("type ipv4_addr . inet_proto . inet_service; flags dynamic;"),
          set_remade("type ipv4_addr . inet_proto . inet_service; flags constant;"),
          set_remade("type ipv4_addr . inet_proto . inet_service; flags interval;"),
          set_remade("type ipv4_addr . inet_proto . inet_service; counter;")};
}

void check_repairs(const std::vector<Sabotage>& sabotages) {
  Nftables nftables;
  DesiredState desired;
  desired.kernel = redirect_state();
  for (const Sabotage& sabotage : sabotages) {
    CAPTURE(sabotage.name);
    carry_out(nftables, plan_for(nftables, desired));
    REQUIRE(nftables.observe() == desired.kernel);

    sabotage.commit(nftables.handles());
    CHECK(nftables.observe() != desired.kernel);
    const Plan plan = plan_for(nftables, desired);
    CHECK(!plan.in_sync());
    carry_out(nftables, plan);
    CHECK(nftables.observe() == desired.kernel);
    CHECK(plan_for(nftables, desired).in_sync());
  }
}

TEST_CASE("sabotage of the table is seen and undone") {
  check_repairs(against_table());
}
TEST_CASE("sabotage of rules is seen and undone") {
  check_repairs(against_rules());
}
TEST_CASE("sabotage of sets is seen and undone") {
  check_repairs(against_sets());
}
TEST_CASE("a set of our name that is not ours is seen and undone") {
  check_repairs(with_other_sets());
}

TEST_CASE("what changes no packet's way is no difference") {
  Nftables nftables;
  const KernelState want = redirect_state();
  nftables.made(want);
  nft("delete element inet twobox redirect-ipv4 { 192.0.2.1 . tcp . 80 }; "
      "add element inet twobox redirect-ipv4 { 192.0.2.1 . tcp . 80 comment \"a note\" }; "
      "add counter inet twobox unused");
  CHECK(nftables.observe() == want);
}

}  // namespace
}  // namespace twobox::nft_test
