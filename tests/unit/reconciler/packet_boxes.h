// Two boxes with one IPVS service, each set up by hand for the packet model.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "reconciler/bypass_table.h"
#include "tests/support/packet_model.h"

namespace twobox::testing {

using Lines = std::vector<std::string>;

inline const InterfaceName kWire = *InterfaceName::parse("enp0s3");

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

  static void remove_service(Station& box, const IpvsServiceKey& key) {
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

inline const Lines kByBoth = {"client -> a [ipvs -> a] -> answered by a",
                              "client -> a [ipvs -> b] -> b -> answered by b"};
inline const Lines kByBothThroughRedirect = {
    "client -> a [ipvs -> a] -> answered by a",
    "client -> a [ipvs -> b] -> b [redirect] -> answered by b"};

inline const std::array kFamilies = {AddressFamily::kIpv4, AddressFamily::kIpv6};

}  // namespace twobox::testing
