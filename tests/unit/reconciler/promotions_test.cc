#include "reconciler/promotions.h"

#include <doctest/doctest.h>

using namespace twobox;
using namespace std::chrono_literals;

namespace {

SteadyTime at(std::chrono::milliseconds since_start) {
  return SteadyTime{1h} + since_start;
}

Document with(Bypass bypass, RoleSource role = FollowAddress{}) {
  Document document;
  document.vips.emplace("web", Vip{IpPrefix::host(*IpAddress::parse("192.0.2.1")),
                                   *InterfaceName::parse("eth0"),
                                   std::move(role),
                                   bypass,
                                   {}});
  return document;
}

VipRoles web(Role role, const char* source = "address") {
  return {{"web", {role, source}}};
}

const Roles kMaster = {{"web", Role::kMaster}};
const Roles kBackup = {{"web", Role::kBackup}};

}  // namespace

TEST_CASE("a new master by somebody else's hand waits until its peer has given way") {
  Promotions promotions;
  const Document document = with(Bypass::kBackupOnly);
  CHECK(promotions.act_on(document, web(Role::kBackup), at(0ms)) == kBackup);
  CHECK_FALSE(promotions.next().has_value());
  CHECK(promotions.act_on(document, web(Role::kMaster), at(10ms)) == kBackup);
  CHECK(promotions.next() == at(1010ms));
  CHECK(promotions.act_on(document, web(Role::kMaster), at(500ms)) == kBackup);
  CHECK(promotions.next() == at(1010ms));  // further passes do not put it off
  CHECK(promotions.act_on(document, web(Role::kMaster), at(1010ms)) == kMaster);
  CHECK_FALSE(promotions.next().has_value());
  CHECK(promotions.act_on(document, web(Role::kMaster), at(2s)) == kMaster);
}

TEST_CASE("who loses the address while it waits is backup, and waits again the next time") {
  Promotions promotions;
  const Document document = with(Bypass::kBackupOnly);
  promotions.act_on(document, web(Role::kBackup), at(0ms));
  promotions.act_on(document, web(Role::kMaster), at(10ms));
  CHECK(promotions.act_on(document, web(Role::kFault), at(20ms)) == Roles{{"web", Role::kFault}});
  CHECK_FALSE(promotions.next().has_value());
  CHECK(promotions.act_on(document, web(Role::kMaster), at(2s)) == kBackup);
  CHECK(promotions.next() == at(3s));
}

TEST_CASE("nothing is taken back from a master that was there before us") {
  Promotions promotions;
  CHECK(promotions.act_on(with(Bypass::kBackupOnly), web(Role::kMaster), at(0ms)) == kMaster);
}

TEST_CASE("a new master that is to set the address waits for its peers to give it up") {
  Promotions promotions;
  const Document document = with(Bypass::kBackupOnly, MasterNode{"a"});
  CHECK(promotions.act_on(document, web(Role::kBackup), at(0ms)) == kBackup);
  CHECK(promotions.taking_over().empty());
  CHECK(promotions.act_on(document, web(Role::kMaster), at(10ms)) == kBackup);
  CHECK(promotions.taking_over() == std::set<VipName>{"web"});
  CHECK(promotions.next() == at(2010ms));
  promotions.peers_gave_way();
  CHECK(promotions.act_on(document, web(Role::kMaster), at(20ms)) == kMaster);
  CHECK(promotions.taking_over().empty());

  // The next time they have another document, and never do.
  CHECK(promotions.act_on(document, web(Role::kBackup), at(1s)) == kBackup);
  CHECK(promotions.act_on(document, web(Role::kMaster), at(2s)) == kBackup);
  CHECK(promotions.act_on(document, web(Role::kMaster), at(4s)) == kMaster);
  CHECK(promotions.taking_over().empty());
  CHECK_FALSE(promotions.next().has_value());
}

TEST_CASE("demotion and schemes that tell peers apart act at once") {
  for (const Bypass bypass : {Bypass::kMacMark, Bypass::kRedirect}) {
    Promotions promotions;
    CHECK(promotions.act_on(with(bypass), web(Role::kBackup), at(0ms)) == kBackup);
    CHECK(promotions.act_on(with(bypass), web(Role::kMaster), at(1ms)) == kMaster);
    CHECK(promotions.answering_peers().size() == (bypass == Bypass::kRedirect ? 1 : 0));
  }
  Promotions promotions;
  CHECK(promotions.act_on(with(Bypass::kBackupOnly), web(Role::kBackup), at(2ms)) == kBackup);
  CHECK(promotions.act_on(with(Bypass::kBackupOnly), web(Role::kBackup, "override"), at(4ms)) ==
        kBackup);
}

TEST_CASE("with redirect a new master answers its peers for a while, whoever promoted it") {
  for (const RoleSource& source : {RoleSource{FollowAddress{}}, RoleSource{MasterNode{"a"}}}) {
    Promotions promotions;
    const Document document = with(Bypass::kRedirect, source);
    promotions.act_on(document, web(Role::kMaster), at(0ms));
    CHECK(promotions.answering_peers().empty());  // it was here before us
    promotions.act_on(document, web(Role::kBackup), at(1ms));
    CHECK(promotions.answering_peers().empty());
    promotions.act_on(document, web(Role::kMaster), at(2ms));
    CHECK(promotions.answering_peers() == std::set<VipName>{"web"});
    CHECK(promotions.next() == at(10002ms));
    promotions.act_on(document, web(Role::kMaster), at(10001ms));
    CHECK(promotions.answering_peers() == std::set<VipName>{"web"});
    promotions.act_on(document, web(Role::kMaster), at(10002ms));
    CHECK(promotions.answering_peers().empty());
    CHECK_FALSE(promotions.next().has_value());
    promotions.act_on(document, web(Role::kBackup), at(11s));
    promotions.act_on(document, web(Role::kMaster), at(12s));
    promotions.act_on(document, web(Role::kFault), at(13s));
    CHECK(promotions.answering_peers().empty());
  }
}
