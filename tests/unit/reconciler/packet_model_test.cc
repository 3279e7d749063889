// The packet model, rule by rule.
#include <doctest/doctest.h>

#include "tests/unit/reconciler/packet_boxes.h"

using namespace twobox;
using namespace twobox::testing;

TEST_CASE("who answers for a VIP on the wire") {
  const std::string to_nobody = "client -> nobody answers for ";
  for (const AddressFamily family : kFamilies) {
    Boxes boxes(family);
    for (Station* box : {&boxes.a, &boxes.b}) box->kernel.ipvs_services.clear();
    boxes.a.kernel.addresses.clear();
    CHECK(boxes.paths() == Lines{to_nobody + boxes.vip.to_string()});
    CHECK(paths_to({&boxes.a, &boxes.b}, boxes.endpoint)[0].ending == Ending::kUnresolved);

    boxes.park_vip(boxes.a);
    CHECK(boxes.paths() == Lines{to_nobody + boxes.vip.to_string()});

    // Only IPv4 answers on the wire for an address of lo.
    boxes.a.kernel.sysctls[{"net.ipv4.conf.enp0s3.arp_ignore"}] = {"0"};
    CHECK(boxes.paths() == Lines{family == AddressFamily::kIpv4
                                     ? "client -> a -> answered by a"
                                     : to_nobody + boxes.vip.to_string()});

    boxes.a.kernel.addresses[{kWire, IpPrefix::host(boxes.vip)}] = {};
    boxes.b.kernel.addresses[{kWire, IpPrefix::host(boxes.vip)}] = {};
    CHECK(boxes.paths() == Lines{"client -> a -> answered by a", "client -> b -> answered by b"});

    boxes.b.kernel.addresses.begin()->second.dad_failed = true;
    CHECK(boxes.paths() == Lines{"client -> a -> answered by a"});
  }
}

TEST_CASE("a machine without the address drops what is forwarded to it") {
  for (const AddressFamily family : kFamilies) {
    const Boxes boxes(family);
    CHECK(boxes.paths() ==
          Lines{"client -> a [ipvs -> a] -> answered by a",
                "client -> a [ipvs -> b] -> b -> black hole: without " + boxes.vip.to_string()});
    CHECK(paths_to({&boxes.a, &boxes.b}, boxes.endpoint)[1].ending == Ending::kBlackHole);
  }
}

TEST_CASE("which real servers are chosen") {
  for (const AddressFamily family : kFamilies) {
    Boxes boxes(family);
    boxes.redirect(boxes.b);
    auto& servers = boxes.a.kernel.ipvs_servers;
    const RealServerKey of_b{boxes.endpoint, boxes.address("32"), 80};

    servers.at(of_b).weight = 0;
    CHECK(boxes.paths() == Lines{kByBoth[0]});
    servers.at(of_b) = {Forwarding::kTunnel, 1, 0, 0, {}};
    CHECK(boxes.paths().at(1).find("black hole: a forwarding method") != std::string::npos);
    servers.erase(of_b);
    servers[{boxes.endpoint, boxes.address("33"), 80}] = {};
    CHECK(boxes.paths().at(1) ==
          "client -> a -> black hole: nobody has " + boxes.address("33").to_string());
    servers.clear();
    CHECK(boxes.paths() == Lines{"client -> a -> black hole: no real servers"});
  }
}

TEST_CASE("services for every port, and other ports of the VIP") {
  for (const AddressFamily family : kFamilies) {
    Boxes boxes(family);
    boxes.redirect(boxes.b);
    boxes.endpoint.port = 81;
    CHECK(boxes.paths() == Lines{"client -> a -> answered by a"});
    boxes.add_service(boxes.a, Endpoint{boxes.vip, Protocol::kTcp, 0});
    CHECK(boxes.paths().at(0) == kByBoth[0]);
  }
}

TEST_CASE("a redirect needs its rule, its table at work, and an address to redirect to") {
  for (const AddressFamily family : kFamilies) {
    Boxes boxes(family);
    boxes.redirect(boxes.b);
    REQUIRE(boxes.paths() == kByBothThroughRedirect);
    const std::string lost = "client -> a [ipvs -> b] -> b -> black hole: ";

    Boxes other = boxes;
    other.b.kernel.nft_tables[{}].flags = 1;  // dormant
    CHECK(other.paths().at(1) == lost + "without " + boxes.vip.to_string());
    other = boxes;
    other.b.kernel.nft_rules.clear();
    CHECK(other.paths().at(1) == lost + "without " + boxes.vip.to_string());
    other = boxes;
    other.b.kernel.nft_rules[{"bypass", "handle 7"}] = {{NftUnknown{"drop"}}, ""};
    CHECK(other.paths().at(1) == lost + "a rule that this model can't read (drop)");
    other = boxes;
    other.b.kernel.nft_chains.at({"bypass"}).accept_policy = false;
    CHECK(other.paths() == kByBothThroughRedirect);
    other.b.kernel.nft_elements.clear();
    CHECK(other.paths().at(1) == lost + "the policy of chain bypass");
  }
}

TEST_CASE("both schemes at once: a mark outlives the redirect, and IPVS goes by the mark") {
  for (const AddressFamily family : kFamilies) {
    Boxes boxes(family);
    boxes.mark(boxes.a, 3, boxes.b);
    boxes.mark(boxes.b, 4, boxes.a);
    boxes.redirect(boxes.b);
    CHECK(boxes.paths().at(1) ==
          "client -> a [mark 3, ipvs -> b] -> b [redirect] -> answered by b");
    boxes.redirect(boxes.a);
    CHECK(boxes.paths().at(1) ==
          "client -> a [mark 3, redirect, ipvs -> b] -> b -> black hole: "
          "without " +
              boxes.address("31").to_string());
  }
}
