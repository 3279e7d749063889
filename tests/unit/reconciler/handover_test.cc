#include "reconciler/handover.h"

#include <doctest/doctest.h>

using namespace twobox;
using namespace std::chrono_literals;

namespace {

SteadyTime at(std::chrono::milliseconds since_start) {
  return SteadyTime{1h} + since_start;
}

IpAddress ip(const char* text) {
  return *IpAddress::parse(text);
}

const IpAddress kVip = ip("192.0.2.1");
const IpAddress kB = ip("192.0.2.12");
const IpAddress kC = ip("192.0.2.13");

Handover handover(std::set<IpAddress> peers) {
  return Handover({*InterfaceName::parse("eth0"), kVip, ip("192.0.2.11"), std::move(peers)});
}

Document document() {
  Document document;
  document.nodes.emplace("a", Node{{ip("192.0.2.11"), ip("fd00::a")}, {}});
  document.nodes.emplace("b", Node{{ip("192.0.2.12"), ip("fd00::b")}, {}});
  document.nodes.emplace("c", Node{{ip("192.0.2.13")}, {}});
  for (const auto& [name, address] : {std::pair("web", "192.0.2.1"), std::pair("six", "fd00::1")})
    document.vips.emplace(name, Vip{IpPrefix::host(ip(address)),
                                    *InterfaceName::parse("eth0"),
                                    MasterNode{"a"},
                                    Bypass::kBackupOnly,
                                    {}});
  return document;
}

}  // namespace

TEST_CASE("a peer that answers for itself alone has given the VIP up") {
  Handover two = handover({kB});
  CHECK(two.ask(at(0ms)) == std::vector{kVip, kB});
  CHECK_FALSE(two.is_over(at(1ms)));
  CHECK(two.ask(at(1ms)).empty());  // answers are awaited
  two.hear(kB);
  CHECK(two.is_over(at(2ms)));
  CHECK(two.ask(at(50ms)).empty());
}

TEST_CASE("while it holds the VIP it is asked again, and each round is judged by itself") {
  Handover two = handover({kB});
  two.ask(at(0ms));
  two.hear(kVip);
  two.hear(kB);
  CHECK_FALSE(two.is_over(at(1ms)));
  CHECK(two.next() == at(0ms) + Handover::kPause);
  CHECK(two.ask(two.next() - 1ms).empty());
  CHECK(two.ask(two.next()) == std::vector{kVip, kB});
  CHECK_FALSE(two.is_over(at(11ms)));
  two.hear(kB);
  CHECK(two.is_over(at(12ms)));
}

TEST_CASE("a peer that is not there has nothing to give up, after a while") {
  Handover two = handover({kB});
  two.ask(at(0ms));
  CHECK(two.next() == at(200ms));
  CHECK_FALSE(two.is_over(at(199ms)));
  CHECK(two.is_over(at(200ms)));
}

TEST_CASE("every peer counts: one is gone, the other holds the VIP") {
  Handover three = handover({kB, kC});
  CHECK(three.ask(at(0ms)).size() == 3);
  three.hear(kVip);
  three.hear(kC);
  CHECK(three.ask(at(100ms)).empty());
  CHECK_FALSE(three.is_over(at(200ms)));
  CHECK(three.ask(at(200ms)).size() == 3);
  three.hear(kC);
  CHECK_FALSE(three.is_over(at(399ms)));
  CHECK(three.is_over(at(400ms)));
}

TEST_CASE("answers about other addresses say nothing") {
  Handover two = handover({kB});
  two.ask(at(0ms));
  two.hear(kC);
  CHECK_FALSE(two.is_over(at(1ms)));
}

TEST_CASE("the question is about a VIP in whose family all nodes have an address") {
  const auto question = handover_question(document(), "a", {"six", "web"});
  REQUIRE(question);
  CHECK(question->vip == kVip);
  CHECK(question->own == ip("192.0.2.11"));
  CHECK(question->peers == std::set{kB, kC});
  CHECK_FALSE(handover_question(document(), "a", {"six"}));  // c has no IPv6
  CHECK_FALSE(handover_question(document(), "c", {"six"}));
  Document without_c = document();
  without_c.nodes.erase("c");
  CHECK(handover_question(without_c, "b", {"six"})->peers == std::set{ip("fd00::a")});
}
