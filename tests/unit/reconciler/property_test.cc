// Random pairs of what is wanted and what is there: the plan always closes the gap, and touches
// nothing else.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <random>

#include "reconciler/bypass_table.h"
#include "tests/support/fake_kernel.h"

using namespace twobox;
using twobox::testing::FakeKernel;
using twobox::testing::MemoryOwnership;

namespace {

/// Few distinct keys, so that wanted and found states meet in every way.
class RandomState {
 public:
  explicit RandomState(std::uint64_t seed) : random_(seed) {}

  DesiredState desired() {
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

  /// What is there: some of it wanted, some edited, some of other hands.
  KernelState found(const DesiredState& wanted) {
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

  bool coin() { return pick(2) == 0; }

 private:
  std::uint32_t pick(std::uint32_t below) {
    return std::uniform_int_distribution<std::uint32_t>(0, below - 1)(random_);
  }
  std::string digit() { return std::to_string(pick(3)); }
  static InterfaceName interface() { return *InterfaceName::parse("enp0s3"); }
  static IpAddress address(int last) {
    return *IpAddress::parse("192.0.2." + std::to_string(last + 1));
  }

  void add_service(KernelState& state, const Endpoint& endpoint) {
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

  void spoil_table(KernelState& state) {
    state.nft_tables[{}] = {pick(2)};
    state.nft_chains[{"bypass"}].priority = coin() ? -100 : 0;
    state.nft_sets[{"redirect-ipv4"}] = {
        coin() ? NftSetKeyType::kEndpointIpv4 : NftSetKeyType::kOther, false, 0};
    state.nft_rules[{"bypass", "handle 7"}] = {{NftUnknown{"drop"}}, ""};
    add_redirect(state, Endpoint{address(5), Protocol::kUdp, 53}, RedirectOf::kEveryPacket);
  }

  std::mt19937_64 random_;
};

/// Whatever is neither wanted, nor ours by record, nor in our table.
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

/// Everything that is wanted is there as wanted; in our table nothing else is.
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

PassReport pass(const DesiredState& wanted, FakeKernel& kernel, MemoryOwnership& ownership) {
  Refusals refusals;
  auto report = reconcile_once(wanted, kernel, ownership, refusals, SteadyTime{});
  RC_ASSERT(report.has_value());
  return *std::move(report);
}

}  // namespace

TEST_CASE("from any state to any other in one pass, and a second pass does nothing") {
  std::size_t pairs = 0;
  const bool held = rc::check([&pairs] {
    // Several steps on one kernel, so that what was made by one document is taken away by the next.
    RandomState random(*rc::gen::arbitrary<std::uint64_t>());
    DesiredState wanted = random.desired();
    FakeKernel kernel(random.found(wanted));
    MemoryOwnership ownership;
    for (int step = 0; step < 100; ++step, ++pairs) {
      const KernelState before = kernel.state.kernel;
      const OwnershipRecord record = ownership.record();
      const PassReport first = pass(wanted, kernel, ownership);
      RC_ASSERT(first.remaining.in_sync());
      require_reached(kernel.state.kernel, wanted.kernel);
      require_foreign_untouched(before, kernel.state.kernel, wanted, record);
      const KernelState reached = kernel.state.kernel;
      RC_ASSERT(pass(wanted, kernel, ownership).planned.in_sync());
      RC_ASSERT(kernel.state.kernel == reached);
      wanted = random.desired();
      if (random.coin()) {
        const KernelState sabotaged = random.found(wanted);
        kernel.state.kernel = sabotaged;
      }
    }
  });
  CHECK(held);
  CHECK(pairs >= 10'000);
}

TEST_CASE("cleanup leaves what was there before the first document") {
  CHECK(rc::check([] {
    RandomState random(*rc::gen::arbitrary<std::uint64_t>());
    const DesiredState wanted = random.desired();
    FakeKernel kernel;
    kernel.state.kernel.sysctls[SysctlKey{"net.ipv4.ip_forward"}] = {"0"};
    kernel.state.kernel.ipvs_timeouts[{}] = {900, 120, 300};
    const KernelState before = kernel.state.kernel;
    MemoryOwnership ownership;
    pass(wanted, kernel, ownership);
    pass(nothing_desired(), kernel, ownership);
    kernel.state.kernel.ipvs_timeouts = before.ipvs_timeouts;  // timeouts have no former value
    RC_ASSERT(kernel.state.kernel == before);
    RC_ASSERT(ownership.record() == OwnershipRecord{});
  }));
}
