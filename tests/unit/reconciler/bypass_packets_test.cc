// The schemes that keep packets from going round, against what was measured on real kernels.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/unit/reconciler/packet_boxes.h"

using namespace twobox;
using namespace twobox::testing;

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
    Boxes::remove_service(boxes.b, boxes.endpoint);
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

TEST_CASE("while two hold the VIP, redirects of peers keep each to its own clients") {
  for (const AddressFamily family : kFamilies)
    for (const RedirectOf packets : {RedirectOf::kEveryPacket, RedirectOf::kFirstPacket}) {
      Boxes boxes(family);
      boxes.b.kernel.addresses = boxes.a.kernel.addresses;
      CHECK(std::ranges::any_of(boxes.paths(),
                                [](const std::string& path) { return path.ends_with("loop"); }));
      for (const auto& [box, peer] : {std::pair(&boxes.a, &boxes.b), {&boxes.b, &boxes.a}}) {
        add_redirect_rules(box->kernel, packets);
        add_peer_redirect(box->kernel, boxes.endpoint, packets, {peer->mac});
      }
      CHECK(boxes.paths() == Lines{"client -> a [ipvs -> a] -> answered by a",
                                   "client -> a [ipvs -> b] -> b [redirect] -> answered by b",
                                   "client -> b [ipvs -> a] -> a [redirect] -> answered by a",
                                   "client -> b [ipvs -> b] -> answered by b"});
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
