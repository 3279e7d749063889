#include <doctest/doctest.h>

#include <cerrno>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "backends/address/backend.h"
#include "reconciler/plan.h"
#include "tests/kernel/address_support.h"
#include "tests/kernel/capabilities.h"

namespace twobox::address_test {
namespace {

const AddressConfig kNeverSource{true, false, false};

TEST_CASE("address: links come with index, MAC and state") {
  Kernel kernel;
  run("ip link set peer down");
  const auto links = observe(kernel.backend).links;
  const Link& wire = links.at(interface("wire"));
  CHECK(wire.mac == *MacAddress::parse(kWireMac));
  CHECK(wire.up);
  CHECK(wire.index != links.at(interface("peer")).index);
  CHECK_FALSE(links.at(interface("peer")).up);
  CHECK(links.at(interface("lo")) == Link{1, std::nullopt, true});
}

TEST_CASE("address: each kind is added, listed and deleted, twice over") {
  struct Row {
    AddressKey key;
    AddressConfig config;
    std::string words;  // of `ip -o address show`
  };
  const Row rows[] = {
      {key("wire", "192.0.2.30"), kStays, "inet 192.0.2.30/32 scope global wire"},
      {key("wire", "192.0.2.30/24"), kStays, "inet 192.0.2.30/24 scope global wire"},
      {key("lo", "192.0.2.30"), kStays, "inet 192.0.2.30/32 scope host lo"},
      {key("wire", "192.0.2.30"), kNeverSource, "scope global deprecated wire"},
      {key("wire", "2001:db8::30"), kStays, "inet6 2001:db8::30/128 scope global nodad"},
      {key("wire", "2001:db8::30/64"), kStays, "inet6 2001:db8::30/64 scope global nodad"},
      {key("lo", "2001:db8::30"), kNeverSource, "2001:db8::30/128 scope global nodad deprecated"},
  };
  Kernel kernel;
  for (const Row& row : rows) {
    CAPTURE(row.words);
    const std::string on = row.key.interface.str();
    for (int time = 0; time < 2; ++time) {
      kernel.must(create(row.key, row.config));
      CHECK(kernel.at(row.key) == row.config);
      CHECK(listed(on, row.words));
    }
    for (int time = 0; time < 2; ++time) {
      kernel.must(destroy(row.key));
      CHECK_FALSE(kernel.at(row.key).has_value());
      CHECK_FALSE(listed(on, row.key.prefix.address().to_string()));
    }
  }
}

TEST_CASE("address: one that is there with another config is adopted and edited") {
  struct Row {
    AddressKey key;
    std::string added;
    AddressConfig before;
    AddressConfig want;
  };
  const AddressConfig expires{false, true, false};
  const Row rows[] = {
      {key("wire", "192.0.2.30"), "192.0.2.30/32 valid_lft 600 preferred_lft 600", expires, kStays},
      {key("wire", "192.0.2.30"), "192.0.2.30/32", kStays, kNeverSource},
      {key("wire", "192.0.2.30"), "192.0.2.30/32 preferred_lft 0", kNeverSource, kStays},
      {key("wire", "2001:db8::30"), "2001:db8::30 valid_lft 600 preferred_lft 600 nodad", expires,
       kStays},
      {key("wire", "2001:db8::30"), "2001:db8::30 nodad", kStays, kNeverSource},
      {key("wire", "2001:db8::30"), "2001:db8::30 preferred_lft 0 nodad", kNeverSource, kStays},
  };
  for (const Row& row : rows) {
    CAPTURE(row.added);
    for (const bool known : {false, true}) {
      Kernel kernel;
      run("ip address add " + row.added + " dev wire");
      REQUIRE(kernel.at(row.key) == row.before);
      AddressChange change = create(row.key, row.want);
      if (known) change.before = row.before;
      kernel.must(change);
      CHECK(kernel.at(row.key) == row.want);
    }
  }
}

TEST_CASE("address: an update of one that has gone meanwhile adds it") {
  Kernel kernel;
  for (const char* const prefix : {"192.0.2.30", "2001:db8::30"}) {
    kernel.must({key("wire", prefix), kNeverSource, kStays});
    CHECK(kernel.at(key("wire", prefix)) == kStays);
  }
}

TEST_CASE("address: an interface that is down takes it too") {
  Kernel kernel;
  run("ip link set wire down");
  for (const char* const prefix : {"192.0.2.30", "2001:db8::30"}) {
    kernel.must(create(key("wire", prefix)));
    CHECK(kernel.at(key("wire", prefix)) == kStays);
  }
}

TEST_CASE("address: an interface that does not exist is named") {
  Kernel kernel;
  const Status added = kernel.apply(create(key("enp0s3", "192.0.2.30")));
  REQUIRE_FALSE(added.has_value());
  CHECK(added.error().kind == ErrorKind::kUnavailable);
  CHECK(added.error().errno_value == ENODEV);
  CHECK(added.error().message == "add 192.0.2.30/32 on enp0s3: interface enp0s3 does not exist");
  CHECK(kernel.apply(destroy(key("enp0s3", "192.0.2.30"))).has_value());
}

TEST_CASE("address: an alternative name is not the interface's name") {
  Kernel kernel;
  run("ip link property add dev wire altname othername");
  CHECK_FALSE(kernel.apply(create(key("othername", "192.0.2.30"))).has_value());
  CHECK_FALSE(listed("wire", "192.0.2.30"));
}

TEST_CASE("address: a re-created interface is found by its name") {
  Kernel kernel;
  kernel.must(create(key("wire", "192.0.2.30")));
  run("ip link delete wire && ip link add wire type veth peer name peer");
  CHECK_FALSE(kernel.at(key("wire", "192.0.2.30")).has_value());
  kernel.must(create(key("wire", "192.0.2.30")));
  CHECK(kernel.at(key("wire", "192.0.2.30")) == kStays);
}

TEST_CASE("address: a refusal carries the kernel's errno and leaves the others alone") {
  Kernel kernel;
  run("sysctl -qw net.ipv6.conf.peer.disable_ipv6=1");
  const Change changes[] = {create(key("peer", "2001:db8::30")), create(key("wire", "192.0.2.30")),
                            SysctlChange{}};
  const std::vector<Status> outcomes = kernel.backend.apply(changes);
  REQUIRE(outcomes.size() == 3);
  REQUIRE_FALSE(outcomes[0].has_value());
  CHECK(outcomes[0].error().kind == ErrorKind::kKernelRefused);
  CHECK(outcomes[0].error().errno_value == EACCES);
  CHECK(outcomes[0].error().message.starts_with("add 2001:db8::30/128 on peer: "));
  CHECK(outcomes[0].error().message.ends_with("sysctl -w net/ipv6/conf/peer/disable_ipv6=0"));
  CHECK(outcomes[1].has_value());
  REQUIRE_FALSE(outcomes[2].has_value());
  CHECK(outcomes[2].error().kind == ErrorKind::kBug);
}

TEST_CASE("address: without CAP_NET_ADMIN the refusal says what is missing") {
  Kernel kernel;
  Status added = success();
  // Capabilities belong to a thread, so this one can do without.
  std::thread([&] {
    drop_capabilities();
    added = kernel.apply(create(key("wire", "192.0.2.30")));
  }).join();
  REQUIRE_FALSE(added.has_value());
  CHECK(added.error().kind == ErrorKind::kUnavailable);
  CHECK(added.error().errno_value == EPERM);
  CHECK(added.error().message ==
        "add 192.0.2.30/32 on wire: Operation not permitted; CAP_NET_ADMIN is needed");
}

TEST_CASE("address: IPv6 is not silently left with another prefix") {
  Kernel kernel;
  run("ip address add 2001:db8::30/64 dev wire nodad");
  const Status added = kernel.apply(create(key("wire", "2001:db8::30/128")));
  REQUIRE_FALSE(added.has_value());
  CHECK(added.error().errno_value == EEXIST);
  CHECK(added.error().message.find("has it as 2001:db8::30/64") != std::string::npos);
  kernel.must(destroy(key("wire", "2001:db8::30/64")));
  kernel.must(create(key("wire", "2001:db8::30/128")));
}

TEST_CASE("address: a VIP of ours gets another prefix in one pass") {
  Kernel kernel;
  for (const auto& [from, to] : {std::pair("2001:db8::30/128", "2001:db8::30/64"),
                                 std::pair("2001:db8::30/64", "2001:db8::30/128"),
                                 std::pair("192.0.2.30/32", "192.0.2.30/24")}) {
    const std::string before = from;
    CAPTURE(before);
    kernel.must(create(key("wire", from)));
    DesiredState desired;
    desired.kernel.addresses[key("wire", to)] = kStays;
    desired.vip_names[key("wire", to).prefix.address()] = "web";
    ObservedState observed;
    observed.kernel = observe(kernel.backend).kernel;
    const Plan plan = make_plan(desired, observed, {{key("wire", from)}, {}, {}, {}});
    REQUIRE(plan.steps.size() == 2);
    for (const Step& step : plan.steps) kernel.must(std::get<AddressChange>(step.change));
    CHECK_FALSE(kernel.at(key("wire", from)).has_value());
    CHECK(kernel.at(key("wire", to)) == kStays);
    kernel.must(destroy(key("wire", to)));
  }
}

TEST_CASE("address: IPv4 may be there with two prefixes; deletion takes the one named") {
  Kernel kernel;
  kernel.must(create(key("wire", "192.0.2.30/24")));
  kernel.must(create(key("wire", "192.0.2.30/32")));
  kernel.must(destroy(key("wire", "192.0.2.30/24")));
  CHECK_FALSE(kernel.at(key("wire", "192.0.2.30/24")).has_value());
  CHECK(kernel.at(key("wire", "192.0.2.30/32")) == kStays);
}

TEST_CASE("address: one with a peer is deleted with it") {
  Kernel kernel;
  run("ip address add 192.0.2.30 peer 198.51.100.1/32 dev wire");
  run("ip address add 192.0.2.40 peer 198.51.100.2/30 dev wire");
  for (const char* const prefix : {"192.0.2.30/32", "192.0.2.40/30"}) {
    CHECK(kernel.at(key("wire", prefix)).has_value());
    kernel.must(destroy(key("wire", prefix)));
    CHECK_FALSE(kernel.at(key("wire", prefix)).has_value());
  }
}

TEST_CASE("address: a failed duplicate address detection is seen and cured by adding anew") {
  Kernel kernel;
  // Both ends of one wire hold it, and this end asks first.
  run("ip address add 2001:db8::30/128 dev peer nodad");
  run("sysctl -qw net.ipv6.conf.wire.accept_dad=1");
  run("ip address add 2001:db8::30/128 dev wire");
  const AddressKey vip = key("wire", "2001:db8::30");
  const AddressConfig failed{true, true, true};
  for (int tenths = 0; tenths < 50 && kernel.at(vip) != failed; ++tenths) run("sleep 0.1");
  REQUIRE(kernel.at(vip) == failed);
  SUBCASE("known") {
    kernel.must({vip, failed, kStays});
  }
  SUBCASE("taken for absent") {
    kernel.must(create(vip));
  }
  CHECK(kernel.at(vip) == kStays);
  CHECK(listed("wire", "2001:db8::30/128 scope global nodad"));
}

}  // namespace
}  // namespace twobox::address_test
