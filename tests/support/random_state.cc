#include "tests/support/random_state.h"

#include <rapidcheck.h>

#include "reconciler/bypass_table.h"

namespace twobox::testing {
namespace {

InterfaceName interface() {
  return *InterfaceName::parse("enp0s3");
}

IpAddress address(int last) {
  return *IpAddress::parse("192.0.2." + std::to_string(last + 1));
}

}  // namespace

DesiredState RandomState::desired() {
  DesiredState wanted;
  if (coin()) add_redirect_rules(wanted.kernel, RedirectOf::kEveryPacket);
  for (int i = 0; i < 4; ++i) {
    const IpAddress vip = address(i);
    wanted.vip_names.emplace(vip, "vip" + std::to_string(i));
    if (coin()) wanted.kernel.addresses[{interface(), IpPrefix::host(vip)}] = {};
    const Endpoint endpoint{vip, Protocol::kTcp, 80};
    if (coin()) add_service(wanted.kernel, endpoint);
    if (coin() && !wanted.kernel.nft_tables.empty())
      add_redirect(wanted.kernel, endpoint, RedirectOf::kEveryPacket);
  }
  if (coin()) wanted.kernel.sysctls[SysctlKey{"net.ipv4.ip_forward"}] = {digit()};
  if (coin()) wanted.kernel.ipvs_timeouts[{}] = {pick(3), pick(3), pick(3)};
  wanted.prune = pick(4) == 0 ? Prune::kAll : Prune::kOwned;
  return wanted;
}

KernelState RandomState::found(const DesiredState& wanted) {
  KernelState state = coin() ? wanted.kernel : KernelState{};
  for (int i = 0; i < 6; ++i) {
    if (coin()) state.addresses[{interface(), IpPrefix::host(address(i))}].preferred = coin();
    if (coin()) add_service(state, Endpoint{address(i), Protocol::kTcp, 80});
  }
  if (coin()) spoil_table(state);
  state.ipvs_timeouts[{}] = {900, 120, 300};
  state.sysctls[SysctlKey{"net.ipv4.ip_forward"}] = {digit()};
  return state;
}

std::uint32_t RandomState::pick(std::uint32_t below) {
  return std::uniform_int_distribution<std::uint32_t>(0, below - 1)(random_);
}

void RandomState::add_service(KernelState& state, const Endpoint& endpoint) {
  IpvsServiceConfig config;
  config.scheduler = coin() ? "rr" : "wlc";
  state.ipvs_services[endpoint] = config;
  for (int i = 0; i < 3; ++i)
    if (coin()) {
      RealServerConfig server;
      server.weight = pick(3);
      state.ipvs_servers[{endpoint, address(100 + i), 80}] = server;
    }
}

void RandomState::spoil_table(KernelState& state) {
  state.nft_tables[{}] = {pick(2)};
  state.nft_chains[{"bypass"}].priority = coin() ? -100 : 0;
  state.nft_sets[{"redirect-ipv4"}] = {
      coin() ? NftSetKeyType::kEndpointIpv4 : NftSetKeyType::kOther, false, 0};
  state.nft_rules[{"bypass", "handle 7"}] = {{NftUnknown{"drop"}}, ""};
  add_redirect(state, Endpoint{address(5), Protocol::kUdp, 53}, RedirectOf::kEveryPacket);
}

void require_foreign_untouched(const KernelState& before, const KernelState& after,
                               const DesiredState& wanted, const OwnershipRecord& record) {
  for (const auto& [key, config] : before.addresses) {
    if (wanted.kernel.addresses.contains(key) || record.addresses.contains(key)) continue;
    RC_ASSERT(after.addresses.contains(key) && after.addresses.at(key) == config);
  }
  if (wanted.prune == Prune::kAll) return;
  for (const auto& [key, config] : before.ipvs_services) {
    if (wanted.kernel.ipvs_services.contains(key) || record.ipvs_services.contains(key)) continue;
    RC_ASSERT(after.ipvs_services.contains(key) && after.ipvs_services.at(key) == config);
  }
}

void require_reached(const KernelState& kernel, const KernelState& wanted) {
  for (const auto& [key, config] : wanted.addresses) RC_ASSERT(kernel.addresses.at(key) == config);
  for (const auto& [key, config] : wanted.ipvs_services)
    RC_ASSERT(kernel.ipvs_services.at(key) == config);
  for (const auto& [key, config] : wanted.ipvs_servers)
    RC_ASSERT(kernel.ipvs_servers.at(key) == config);
  for (const auto& [key, config] : kernel.ipvs_servers)
    RC_ASSERT(!wanted.ipvs_services.contains(key.service) || wanted.ipvs_servers.contains(key));
  for (const auto& [key, config] : wanted.sysctls) RC_ASSERT(kernel.sysctls.at(key) == config);
  RC_ASSERT(kernel.nft_tables == wanted.nft_tables);
  RC_ASSERT(kernel.nft_chains == wanted.nft_chains);
  RC_ASSERT(kernel.nft_sets == wanted.nft_sets);
  RC_ASSERT(kernel.nft_elements == wanted.nft_elements);
  RC_ASSERT(kernel.nft_rules == wanted.nft_rules);
}

}  // namespace twobox::testing
