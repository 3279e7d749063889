#include "reconciler/selftest.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace twobox;

namespace {

MacAddress mac(const std::string& text) {
  return *MacAddress::parse(text);
}
const MacAddress kMacA = mac("08:00:27:77:84:ef");
const MacAddress kMacB = mac("08:00:27:e1:3c:c5");
const MacAddress kMacC = mac("08:00:27:00:00:0c");
const MacAddress kStranger = mac("08:00:27:00:00:99");

Document three_nodes(Bypass bypass, RoleSource role = MasterNode{"a"}) {
  Document document;
  const auto node = [](const char* address, const MacAddress& its_mac) {
    return Node{{*IpAddress::parse(address)}, {its_mac}, {}};
  };
  document.nodes = {{"a", node("172.16.0.31", kMacA)},
                    {"b", node("172.16.0.32", kMacB)},
                    {"c", node("172.16.0.33", kMacC)}};
  Service service{Protocol::kTcp, *Port::from_number(80)};
  document.vips.emplace("web", Vip{*IpPrefix::parse("172.16.0.30"),
                                   *InterfaceName::parse("enp0s3"),
                                   std::move(role),
                                   bypass,
                                   {service}});
  return document;
}

SelftestPlace at(const Document& document, const NodeName& node, Role role) {
  const MacAddress& own = document.nodes.at(node).macs.front();
  return {document,
          node,
          {{"web", {role, "document"}}},
          {{*InterfaceName::parse("enp0s3"), {2, own, true}}},
          {},
          mac("02:74:62:00:00:01")};
}

std::vector<std::string> plan_lines(const SelftestPlace& place) {
  std::vector<std::string> lines;
  for (const SelftestProbe& probe : plan_selftest(place).probes)
    lines.push_back(std::string(to_string(probe.subject.way)) + " " + probe.subject.via + " x" +
                    std::to_string(probe.times) +
                    (probe.target.source_mac == place.client ? " made up" : " own"));
  return lines;
}

SelftestFinding finding(const SelftestPlace& place, SelftestWay way, const NodeName& via,
                        const ProbeOutcome& outcome, bool listens_here = true) {
  const SelftestSubject subject{"web", *IpAddress::parse("172.16.0.30"), *Port::from_number(80),
                                way, via};
  return judge_probe(place, subject, outcome, listens_here);
}

ProbeOutcome from(ProbeResult result, const MacAddress& sender) {
  return {result, sender, 64, {}};
}
ProbeOutcome returned(std::vector<ProbeReturn> returns) {
  return {ProbeResult::kCameBack, {}, 0, std::move(returns)};
}

}  // namespace

TEST_CASE("which probes show the way of packets") {
  using Lines = std::vector<std::string>;
  const Document redirect = three_nodes(Bypass::kRedirect);
  const Document mac_mark = three_nodes(Bypass::kMacMark);
  const Document followed = three_nodes(Bypass::kRedirect, FollowAddress{});
  CHECK(plan_lines(at(redirect, "a", Role::kMaster)) ==
        Lines{"as_director b x4 own", "as_director c x4 own"});
  CHECK(plan_lines(at(redirect, "b", Role::kBackup)) ==
        Lines{"through_master a x6 made up", "as_director c x4 own"});
  CHECK(plan_lines(at(mac_mark, "b", Role::kBackup)) ==
        Lines{"as_director a x4 own", "through_master a x6 made up", "as_director c x4 own"});
  // Nobody here knows which of the two is master.
  CHECK(plan_lines(at(followed, "b", Role::kBackup)) ==
        Lines{"through_master a x6 made up", "through_master c x6 made up"});
}

TEST_CASE("of two nodes the other is master where this one is not") {
  Document followed = three_nodes(Bypass::kRedirect, FollowAddress{});
  followed.nodes.erase("c");
  CHECK(plan_lines(at(followed, "b", Role::kFault)) ==
        std::vector<std::string>{"through_master a x4 made up"});
}

TEST_CASE("a probe's target is on the wire") {
  const Document document = three_nodes(Bypass::kRedirect);
  SelftestPlace place = at(document, "a", Role::kMaster);
  place.neighbours.emplace(
      std::pair(*InterfaceName::parse("enp0s3"), *IpAddress::parse("172.16.0.33")), kStranger);
  const SelftestPlan plan = plan_selftest(place);
  REQUIRE(plan.probes.size() == 2);
  const ProbeTarget& to_b = plan.probes[0].target;
  CHECK(to_b.source_mac == kMacA);
  CHECK(to_b.destination_mac == kMacB);
  CHECK(to_b.source == *IpAddress::parse("172.16.0.31"));
  CHECK(to_b.destination == *IpAddress::parse("172.16.0.30"));
  // What the wire says comes before the document.
  CHECK(plan.probes[1].target.destination_mac == kStranger);
}

TEST_CASE("what can't be probed is said") {
  Document document = three_nodes(Bypass::kRedirect);
  document.vips.at("web").services[0].protocol = Protocol::kUdp;
  document.vips.emplace("six", document.vips.at("web")).first->second.address =
      *IpPrefix::parse("fd00:16::30");
  const SelftestPlan plan = plan_selftest(at(document, "a", Role::kMaster));
  CHECK(plan.probes.empty());
  CHECK(plan.left_out ==
        std::vector<std::string>{
            "six: enp0s3 has no Ethernet address, or a no address of the VIP's family",
            "web 172.16.0.30:80: only TCP can be probed, not udp"});
}

TEST_CASE("what becomes of a frame as from the director") {
  const Document document = three_nodes(Bypass::kRedirect);
  const SelftestPlace place = at(document, "a", Role::kMaster);
  struct Row {
    ProbeOutcome outcome;
    SelftestVerdict verdict;
    const char* path;
  };
  const Row rows[] = {
      {from(ProbeResult::kAnswered, kMacB), SelftestVerdict::kAnswered, "answered by b"},
      {from(ProbeResult::kAnswered, kMacC), SelftestVerdict::kLoop,
       "forwarded to c: answered by c"},
      {from(ProbeResult::kRefused, kMacB), SelftestVerdict::kRefused, "refused by b"},
      {from(ProbeResult::kUnreachable, kMacB), SelftestVerdict::kBlackHole, "rejected by b"},
      {from(ProbeResult::kTimeExceeded, kMacC), SelftestVerdict::kLoop,
       "went round until its hop limit was used up, says c"},
      {returned({{kMacB, 63}}), SelftestVerdict::kLoop, "came back from b"},
      {returned({{kMacB, 63}, {kMacB, 61}}), SelftestVerdict::kLoop, "came back from b 2 times"},
      {returned({{kStranger, 63}}), SelftestVerdict::kUnknownMac,
       "came back from 08:00:27:00:00:99"},
      {ProbeOutcome{}, SelftestVerdict::kBlackHole, "nobody answers"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.path);
    const SelftestFinding found = finding(place, SelftestWay::kAsDirector, "b", row.outcome);
    CHECK(found.verdict == row.verdict);
    CHECK(found.path == row.path);
    CHECK(found.reason.empty() == (row.verdict == SelftestVerdict::kAnswered));
  }
}

TEST_CASE("what becomes of a client's frame") {
  const Document document = three_nodes(Bypass::kRedirect);
  const SelftestPlace place = at(document, "b", Role::kBackup);
  const auto through = [&](const ProbeOutcome& outcome, bool listens_here) {
    return finding(place, SelftestWay::kThroughMaster, "a", outcome, listens_here);
  };
  struct Row {
    ProbeOutcome outcome;
    bool listens_here;
    SelftestVerdict verdict;
    const char* path;
  };
  const Row rows[] = {
      {from(ProbeResult::kAnswered, kMacA), true, SelftestVerdict::kAnswered, "answered by a"},
      {from(ProbeResult::kAnswered, kMacC), true, SelftestVerdict::kAnswered,
       "forwarded to c: answered by c"},
      {from(ProbeResult::kRefused, kMacC), true, SelftestVerdict::kRefused,
       "forwarded to c: refused by c"},
      {returned({{kMacA, 63}}), true, SelftestVerdict::kAnswered, "forwarded to b: answered by b"},
      {returned({{kMacA, 63}, {kMacA, 63}}), true, SelftestVerdict::kAnswered,
       "forwarded to b: answered by b"},
      {returned({{kMacA, 63}}), false, SelftestVerdict::kRefused, "forwarded to b: refused by b"},
      {returned({{kMacA, 63}, {kMacA, 61}}), true, SelftestVerdict::kLoop,
       "came back from a 2 times"},
      {returned({{kMacC, 62}}), true, SelftestVerdict::kLoop, "came back from c"},
      {ProbeOutcome{}, true, SelftestVerdict::kBlackHole, "nobody answers"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.path);
    const SelftestFinding found = through(row.outcome, row.listens_here);
    CHECK(found.verdict == row.verdict);
    CHECK(found.path == row.path);
  }
}

TEST_CASE("with mac-mark, an answer from a MAC the document does not know is no good") {
  const Document mac_mark = three_nodes(Bypass::kMacMark);
  const Document redirect = three_nodes(Bypass::kRedirect);
  const ProbeOutcome answer = from(ProbeResult::kAnswered, kStranger);
  CHECK(finding(at(mac_mark, "a", Role::kMaster), SelftestWay::kAsDirector, "b", answer).verdict ==
        SelftestVerdict::kUnknownMac);
  CHECK(finding(at(redirect, "a", Role::kMaster), SelftestWay::kAsDirector, "b", answer).verdict ==
        SelftestVerdict::kAnswered);
}

TEST_CASE("where sockets have to listen") {
  const auto places = [](Bypass bypass, Role role) {
    const Document document = three_nodes(bypass);
    std::string text;
    for (const SelftestListener& wanted : selftest_listeners(document, "b"))
      text += wanted.bound_to.to_string() + " ";
    const SelftestSubject subject{"web", *IpAddress::parse("172.16.0.30"), *Port::from_number(80),
                                  SelftestWay::kThroughMaster, "a"};
    return text + "-> " + answering_address(at(document, "b", role), subject).to_string();
  };
  CHECK(places(Bypass::kRedirect, Role::kBackup) == "172.16.0.30 172.16.0.32 -> 172.16.0.32");
  CHECK(places(Bypass::kRedirect, Role::kMaster) == "172.16.0.30 172.16.0.32 -> 172.16.0.30");
  CHECK(places(Bypass::kMacMark, Role::kBackup) == "172.16.0.30 -> 172.16.0.30");
}

TEST_CASE("a report in words and in JSON") {
  const Document document = three_nodes(Bypass::kNone);
  const SelftestPlace place = at(document, "a", Role::kMaster);
  SelftestReport report;
  report[finding(place, SelftestWay::kAsDirector, "b", from(ProbeResult::kAnswered, kMacB))] = 3;
  report[finding(place, SelftestWay::kAsDirector, "b", returned({{kMacB, 63}}))] = 1;
  for (const SelftestListener& wanted : selftest_listeners(document, "a"))
    ++report[judge_listener(wanted, false)];
  CHECK(selftest_text("a", report) ==
        "web 172.16.0.30:80 to b as from its director: answered by b (3 of 4)\n"
        "web 172.16.0.30:80 to b as from its director: came back from b (1 of 4): LOOP: the VIP "
        "has no bypass: b sends on what a director sent it\n"
        "web 172.16.0.30:80 on a: no socket listens on 172.16.0.30:80: REFUSED: what a director "
        "sends keeps the VIP as its destination: bind to it, or to every address\n"
        "as seen from a: 3 good, 2 bad\n");
  CHECK_FALSE(is_good(report));
  CHECK(selftest_json("a", SelftestReport{}) ==
        R"({"format":1,"node":"a","good":0,"bad":0,"findings":[]})");
  const std::string json = selftest_json("a", report);
  CHECK(json.find(R"({"vip":"web","address":"172.16.0.30","port":80,"way":"as_director",)"
                  R"("via":"b","verdict":"answered","path":"answered by b","reason":"",)"
                  R"("times":3})") != std::string::npos);
  CHECK(is_good(SelftestReport{}));
}
