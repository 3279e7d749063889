// The packet model against what was measured on real kernels, and its rules one by one.
#include "tests/support/packet_model.h"

#include <doctest/doctest.h>

#include <array>

#include "reconciler/bypass_table.h"

using namespace twobox;
using twobox::testing::Ending;
using twobox::testing::Path;
using twobox::testing::paths_to;
using twobox::testing::Station;

namespace {

using Lines = std::vector<std::string>;

const InterfaceName kWire = *InterfaceName::parse("enp0s3");

/// Two boxes with the same IPVS service, and the state each set-up needs.
struct Boxes {
  explicit Boxes(AddressFamily of)
      : family(of),
        vip(address("30")),
        endpoint{vip, Protocol::kTcp, 80},
        a{"a", kWire, *MacAddress::parse("08:00:27:77:84:ef"), {address("31")}, {}},
        b{"b", kWire, *MacAddress::parse("08:00:27:e1:3c:c5"), {address("32")}, {}} {
    for (Station* box : {&a, &b}) {
      box->kernel.sysctls[{"net.ipv4.conf.enp0s3.arp_ignore"}] = {"0"};
      add_service(*box, endpoint);
    }
    a.kernel.addresses[{kWire, IpPrefix::host(vip)}] = {};
  }

  IpAddress address(const std::string& last) const {
    const bool is_ipv4 = family == AddressFamily::kIpv4;
    return *IpAddress::parse((is_ipv4 ? "172.16.0." : "fd00:16::") + last);
  }

  void add_service(Station& box, const IpvsServiceKey& key) const {
    box.kernel.ipvs_services[key].scheduler = "rr";
    for (const Station* server : {&a, &b})
      box.kernel.ipvs_servers[{key, server->addresses.front(), 80}] = {};
  }

  void remove_service(Station& box, const IpvsServiceKey& key) const {
    box.kernel.ipvs_services.erase(key);
    std::erase_if(box.kernel.ipvs_servers,
                  [&](const auto& server) { return server.first.service == key; });
  }

  /// The VIP on lo, and nothing said about it on the wire.
  void park_vip(Station& box) const {
    box.kernel.addresses[{loopback(), IpPrefix::host(vip)}] = {};
    box.kernel.sysctls[{"net.ipv4.conf.enp0s3.arp_ignore"}] = {"1"};
  }

  void redirect(Station& box) const {
    add_redirect_rules(box.kernel, RedirectOf::kEveryPacket);
    add_redirect(box.kernel, endpoint, RedirectOf::kEveryPacket);
  }

  /// The rule as in the measurement: every packet but the peer's is marked.
  void mark(Station& box, std::uint32_t mark, const Station& peer) const {
    park_vip(box);
    KernelState& kernel = box.kernel;
    kernel.nft_tables[{}] = {};
    kernel.nft_chains[{"mark"}] = {"filter", NftHook::kPrerouting, -150, true};
    kernel.nft_elements[{"peers", peer.mac}] = {};
    kernel.nft_elements[{"marks", endpoint}] = {mark};
    kernel.nft_rules[{"mark", "mark"}] = {
        {NftFamilyIs{family}, NftArrivesOverEthernet{}, NftEtherSourceNotInSet{"peers"},
         NftMarkFromMap{family, "marks"}},
        ""};
    remove_service(box, endpoint);
    add_service(box, FirewallMark{family, mark});
  }

  void sync(Station& box, SyncState state) const {
    box.kernel.ipvs_daemons.insert_or_assign(SyncDaemonKey{state},
                                             SyncDaemonConfig{kWire, 0, 0, address("51"), 8848, 1});
    box.kernel.sysctls[{"net.ipv4.vs.backup_only"}] = {"1"};
  }

  Lines paths() const {
    Lines lines;
    for (const Path& path : paths_to({&a, &b}, endpoint)) lines.push_back(path.text);
    return lines;
  }

  AddressFamily family;
  IpAddress vip;
  Endpoint endpoint;
  Station a;
  Station b;
};

const Lines kByBoth = {"client -> a [ipvs -> a] -> answered by a",
                       "client -> a [ipvs -> b] -> b -> answered by b"};
const Lines kByBothThroughRedirect = {"client -> a [ipvs -> a] -> answered by a",
                                      "client -> a [ipvs -> b] -> b [redirect] -> answered by b"};

const std::array kFamilies = {AddressFamily::kIpv4, AddressFamily::kIpv6};

}  // namespace

TEST_CASE("measured: both boxes run IPVS, no bypass: half of what b gets goes in circles") {
  for (const AddressFamily family : kFamilies) {
    Boxes boxes(family);
    boxes.park_vip(boxes.b);
    CHECK(boxes.paths() == Lines{"client -> a [ipvs -> a] -> answered by a",
                                 "client -> a [ipvs -> b] -> b [ipvs -> a] -> a -> loop",
                                 "client -> a [ipvs -> b] -> b [ipvs -> b] -> answered by b"});
    CHECK(paths_to({&boxes.a, &boxes.b}, boxes.endpoint)[1].ending == Ending::kLoop);
  }
}

TEST_CASE("measured: IPVS on the master only") {
  for (const AddressFamily family : kFamilies) {
    Boxes boxes(family);
    boxes.park_vip(boxes.b);
    boxes.remove_service(boxes.b, boxes.endpoint);
    CHECK(boxes.paths() == kByBoth);
  }
}

TEST_CASE("measured: redirect on the backup, which does not have the VIP; then swapped") {
  for (const AddressFamily family : kFamilies) {
    Boxes boxes(family);
    boxes.redirect(boxes.b);
    CHECK(boxes.paths() == kByBothThroughRedirect);

    boxes.b.kernel.nft_elements.clear();
    boxes.redirect(boxes.a);
    boxes.b.kernel.addresses = boxes.a.kernel.addresses;
    boxes.a.kernel.addresses.clear();
    CHECK(boxes.paths() == Lines{"client -> b [ipvs -> a] -> a [redirect] -> answered by a",
                                 "client -> b [ipvs -> b] -> answered by b"});
  }
}

TEST_CASE("measured: marks for all but the peer's frames, a service by mark on both") {
  for (const AddressFamily family : kFamilies) {
    Boxes boxes(family);
    boxes.mark(boxes.a, 3, boxes.b);
    boxes.mark(boxes.b, 4, boxes.a);
    CHECK(boxes.paths() == Lines{"client -> a [mark 3, ipvs -> a] -> answered by a",
                                 "client -> a [mark 3, ipvs -> b] -> b -> answered by b"});

    // A service by address and port is found where there is no mark: the scheme is undone.
    for (Station* box : {&boxes.a, &boxes.b}) boxes.add_service(*box, boxes.endpoint);
    CHECK(boxes.paths() ==
          Lines{"client -> a [mark 3, ipvs -> a] -> answered by a",
                "client -> a [mark 3, ipvs -> b] -> b [ipvs -> a] -> a -> loop",
                "client -> a [mark 3, ipvs -> b] -> b [ipvs -> b] -> answered by b"});
  }
}

TEST_CASE("what a peer forwards is hidden from IPVS, and lost if its protocol is not restored") {
  for (const AddressFamily family : kFamilies) {
    Boxes boxes(family);
    for (Station* box : {&boxes.a, &boxes.b}) {
      boxes.park_vip(*box);
      const MacAddress peer = box == &boxes.a ? boxes.b.mac : boxes.a.mac;
      add_mac_mark_rules(box->kernel, {peer});
      add_mark(box->kernel, boxes.endpoint, 3);
      boxes.add_service(*box, FirewallMark{family, 3});
    }
    // The services by address and port are still there: nothing but hiding keeps the loop away.
    CHECK(boxes.paths() ==
          Lines{"client -> a [mark 3, ipvs -> a] -> answered by a",
                "client -> a [mark 3, ipvs -> b] -> b [hidden from ipvs] -> answered by b"});
    boxes.b.kernel.nft_chains.erase({"restore-behind-ipvs"});
    CHECK(boxes.paths().at(1) ==
          "client -> a [mark 3, ipvs -> b] -> b [hidden from ipvs] -> black hole: "
          "its protocol was not restored");
    boxes.b.kernel.nft_chains.erase({"hide-from-ipvs"});
    CHECK(boxes.paths().at(1) ==
          "client -> a [mark 3, ipvs -> b] -> b [ipvs -> a] -> a [hidden "
          "from ipvs] -> answered by a");
  }
}

TEST_CASE("a redirect of first packets takes new connections") {
  for (const AddressFamily family : kFamilies) {
    Boxes boxes(family);
    add_redirect_rules(boxes.b.kernel, RedirectOf::kFirstPacket);
    add_redirect(boxes.b.kernel, boxes.endpoint, RedirectOf::kFirstPacket);
    CHECK(boxes.paths() == kByBothThroughRedirect);
    CHECK(!boxes.b.kernel.nft_elements.contains({redirect_set(family), boxes.endpoint}));
    // Other protocols have no first packet to tell by.
    boxes.endpoint.protocol = Protocol::kUdp;
    for (Station* box : {&boxes.a, &boxes.b}) boxes.add_service(*box, boxes.endpoint);
    add_redirect(boxes.b.kernel, boxes.endpoint, RedirectOf::kFirstPacket);
    CHECK(boxes.paths() == kByBothThroughRedirect);
  }
}

TEST_CASE("measured: backup_only beside sync daemons") {
  for (const AddressFamily family : kFamilies) {
    Boxes boxes(family);
    boxes.park_vip(boxes.b);
    boxes.sync(boxes.a, SyncState::kMaster);
    boxes.sync(boxes.b, SyncState::kBackup);
    CHECK(boxes.paths() == Lines{"client -> a [ipvs -> a] -> answered by a",
                                 "client -> a [ipvs -> b] -> b [backup-only] -> answered by b"});

    // With a backup daemon too the master no longer directs.
    boxes.sync(boxes.a, SyncState::kBackup);
    CHECK(boxes.paths() == Lines{"client -> a [backup-only] -> answered by a"});

    // Without a daemon the switch is nothing.
    boxes.a.kernel.ipvs_daemons.clear();
    boxes.b.kernel.ipvs_daemons.clear();
    CHECK(boxes.paths().at(1) == "client -> a [ipvs -> b] -> b [ipvs -> a] -> a -> loop");
  }
}

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
