// IPv4 addresses of one subnet: the kernel deletes the secondary ones with the primary one.
#include <doctest/doctest.h>

#include <cerrno>
#include <string>
#include <vector>

#include "backends/address/backend.h"
#include "tests/kernel/address_support.h"

namespace twobox::address_test {
namespace {

/// As Linux has it by default, but not systemd.
void promote_none() {
  run("sysctl -qw net.ipv4.conf.all.promote_secondaries=0");
  run("sysctl -qw net.ipv4.conf.wire.promote_secondaries=0");
}

// With a VIP of the node's own subnet that came first, the node's address is the secondary one.
TEST_CASE("address: a primary address is not deleted where that takes others along") {
  Kernel kernel;
  promote_none();
  kernel.must(create(key("wire", "192.0.2.30/24")));
  run("ip address add 192.0.2.31/24 dev wire");
  REQUIRE(listed("wire", "192.0.2.31/24 scope global secondary"));

  const Status refused = kernel.apply(destroy(key("wire", "192.0.2.30/24")));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == ErrorKind::kUnavailable);
  CHECK(
      refused.error().message ==
      "delete 192.0.2.30/24 on wire: it is the primary address of its subnet, so the kernel would "
      "delete 192.0.2.31/24 with it; run: sysctl -w net/ipv4/conf/wire/promote_secondaries=1");
  CHECK(kernel.at(key("wire", "192.0.2.30/24")) == kStays);

  const char* set = nullptr;
  SUBCASE("what the message says helps") {
    set = "net/ipv4/conf/wire/promote_secondaries=1";
  }
  SUBCASE("so does the one for all") {
    set = "net.ipv4.conf.all.promote_secondaries=1";
  }
  run(std::string("sysctl -qw ") + set);
  kernel.must(destroy(key("wire", "192.0.2.30/24")));
  CHECK_FALSE(kernel.at(key("wire", "192.0.2.30/24")).has_value());
  CHECK(kernel.at(key("wire", "192.0.2.31/24")) == kStays);
  run("sysctl -qw net.ipv4.conf.all.promote_secondaries=0");
}

TEST_CASE("address: the kernel does delete the others along (why the case before exists)") {
  Kernel kernel;
  promote_none();
  run("ip address add 192.0.2.30/24 dev wire && ip address add 192.0.2.31/24 dev wire");
  run("ip address delete 192.0.2.30/24 dev wire");
  CHECK_FALSE(kernel.at(key("wire", "192.0.2.31/24")).has_value());
}

TEST_CASE("address: a secondary address goes alone") {
  Kernel kernel;
  run("ip address add 192.0.2.31/24 dev wire");
  kernel.must(create(key("wire", "192.0.2.30/24")));
  REQUIRE(listed("wire", "192.0.2.30/24 scope global secondary"));
  kernel.must(destroy(key("wire", "192.0.2.30/24")));
  CHECK(kernel.at(key("wire", "192.0.2.31/24")) == kStays);
}

TEST_CASE("address: a primary address goes with its secondary ones where all are to go") {
  Kernel kernel;
  promote_none();
  const AddressKey first = key("wire", "192.0.2.30/24");
  const AddressKey second = key("wire", "192.0.2.31/24");
  for (const AddressKey& vip : {first, second}) kernel.must(create(vip));
  SUBCASE("all") {
    const Change changes[] = {destroy(first), destroy(second)};
    for (const Status& outcome : kernel.backend.apply(changes)) CHECK(outcome.has_value());
    CHECK_FALSE(kernel.at(first).has_value());
    CHECK_FALSE(kernel.at(second).has_value());
  }
  SUBCASE("all but one") {
    run("ip address add 192.0.2.32/24 dev wire");
    const Change changes[] = {destroy(first), destroy(second)};
    const std::vector<Status> outcomes = kernel.backend.apply(changes);
    REQUIRE_FALSE(outcomes[0].has_value());
    CHECK(outcomes[0].error().errno_value == EBUSY);
    CHECK(outcomes[1].has_value());
    CHECK(kernel.at(first) == kStays);
    CHECK_FALSE(kernel.at(second).has_value());
    CHECK(kernel.at(key("wire", "192.0.2.32/24")) == kStays);
  }
}

}  // namespace
}  // namespace twobox::address_test
