// A machine in memory with one service, for tests of passes.
#pragma once

#include "reconciler/bypass_table.h"
#include "tests/support/fake_kernel.h"

namespace twobox::testing {

inline const IpAddress kVip = *IpAddress::parse("192.0.2.1");
inline const AddressKey kVipAddress{*InterfaceName::parse("enp0s3"), IpPrefix::host(kVip)};
inline const Endpoint kEndpoint{kVip, Protocol::kTcp, 80};

inline DesiredState with_service(Role role) {
  DesiredState wanted;
  wanted.vip_names.emplace(kVip, "web");
  add_redirect_rules(wanted.kernel, RedirectOf::kEveryPacket);
  wanted.kernel.ipvs_services[kEndpoint].scheduler = "rr";
  for (const char* server : {"192.0.2.11", "192.0.2.12"})
    wanted.kernel.ipvs_servers[{kEndpoint, *IpAddress::parse(server), 80}] = {};
  if (role == Role::kMaster) {
    wanted.kernel.addresses[kVipAddress] = {};
    wanted.announced.insert(kVipAddress);
    wanted.directed.emplace(kVipAddress, kEndpoint);
  } else {
    add_redirect(wanted.kernel, kEndpoint, RedirectOf::kEveryPacket);
  }
  return wanted;
}

struct Box {
  FakeKernel kernel;
  MemoryOwnership ownership;
  Refusals refusals;
  SteadyTime time{};

  Result<PassReport> pass(const DesiredState& wanted) {
    return reconcile_once(wanted, kernel, ownership, refusals, time);
  }
};

}  // namespace twobox::testing
