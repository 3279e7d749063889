// Batches on the running kernel: all or none, many elements in few messages, nobody else's tables.
#include <doctest/doctest.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "backends/nftables/batch.h"
#include "reconciler/bypass_table.h"
#include "tests/kernel/nftables_support.h"

namespace twobox::nft_test {
namespace {

KernelState redirect_state() {
  KernelState state;
  add_redirect_rules(state, RedirectOf::kEveryPacket);
  add_redirect(state, endpoint("192.0.2.1", Protocol::kTcp, 80), RedirectOf::kEveryPacket);
  return state;
}

TEST_CASE("one refused change keeps the whole batch out") {
  Nftables nftables;
  KernelState want = redirect_state();
  // The kernel allows redirect only in a nat chain.
  want.nft_chains[{"wrong"}] = {"filter", NftHook::kInput, 0, true};
  want.nft_rules[{"wrong", "bad"}] = {{NftRedirect{}}, "bad: no such thing here"};
  const std::vector<Change> changes = creates(want);
  const std::vector<Status> outcomes = nftables.apply(changes);

  REQUIRE(outcomes.size() == changes.size());
  for (std::size_t at = 0; at + 1 < outcomes.size(); ++at) {
    REQUIRE(!outcomes[at]);
    CHECK(outcomes[at].error().errno_value == ECANCELED);
  }
  REQUIRE(!outcomes.back());
  CHECK(outcomes.back().error().kind == ErrorKind::kKernelRefused);
  CHECK(outcomes.back().error().errno_value == EOPNOTSUPP);
  CHECK(outcomes.back().error().message.starts_with("add nft rule inet twobox wrong bad: "));
  CHECK(nftables.observe() == KernelState{});
  CHECK(list_ruleset().empty());
}

TEST_CASE("a refused batch leaves what was there as it was") {
  Nftables nftables;
  const KernelState before = redirect_state();
  nftables.made(before);
  std::vector<Change> changes;
  for (const auto& [key, config] : before.nft_elements)
    changes.emplace_back(NftElementChange{key, config, std::nullopt});
  const NftElementKey absent{redirect_set(AddressFamily::kIpv6),
                             endpoint("2001:db8::9", Protocol::kTcp, 9)};
  changes.emplace_back(NftElementChange{absent, NftElementConfig{}, std::nullopt});
  const std::vector<Status> outcomes = nftables.apply(changes);

  REQUIRE(!outcomes.back());
  CHECK(outcomes.back().error().errno_value == ENOENT);
  CHECK(outcomes.back().error().message.starts_with(
      "delete nft element inet twobox redirect-ipv6 2001:db8::9 . tcp . 9: "));
  CHECK(nftables.observe() == before);
}

TEST_CASE("elements that were sent together are refused together") {
  Nftables nftables;
  const KernelState before = redirect_state();
  nftables.made(before);
  std::vector<Change> changes;
  for (const auto& [key, config] : before.nft_elements)
    changes.emplace_back(NftElementChange{key, config, std::nullopt});
  const NftElementKey absent{redirect_set(AddressFamily::kIpv4),
                             endpoint("192.0.2.9", Protocol::kTcp, 9)};
  changes.emplace_back(NftElementChange{absent, NftElementConfig{}, std::nullopt});
  for (const Status& outcome : nftables.apply(changes)) {
    REQUIRE(!outcome);
    CHECK(outcome.error().errno_value == ENOENT);
    CHECK(contains(outcome.error().message, ": one of 2 sent together: "));
  }
  CHECK(nftables.observe() == before);
}

TEST_CASE("a change we must not be asked for is our own mistake, and nothing is sent") {
  Nftables nftables;
  const KernelState before = redirect_state();
  nftables.made(before);
  const NftChainConfig chain{"filter", NftHook::kInput, 0, true};
  const std::vector<Change> mistakes = {
      NftChainChange{{"edited"}, chain, chain},
      NftSetChange{{"edited"}, NftSetConfig{}, NftSetConfig{}},
      NftSetChange{{"strange"}, std::nullopt, NftSetConfig{}},
      NftElementChange{{"any", OpaqueElement{{1, 2}}}, std::nullopt, NftElementConfig{}},
      NftRuleChange{{"any", "unread"}, NftRuleConfig{}, std::nullopt},
      NftRuleChange{{"any", "new"}, std::nullopt, NftRuleConfig{{NftUnknown{"counter"}}, ""}},
      NftRuleChange{{"any", "new"}, std::nullopt, NftRuleConfig{{}, std::string(128, 'x')}},
      NftChainChange{{std::string(256, 'x')}, std::nullopt, chain},
      SysctlChange{{"net.ipv4.ip_forward"}, std::nullopt, SysctlConfig{"1"}}};
  const NftChainChange good{{"good"}, std::nullopt, chain};
  for (const Change& mistake : mistakes) {
    const std::vector<Status> outcomes = nftables.apply(std::vector<Change>{good, mistake});
    REQUIRE(outcomes.size() == 2);
    REQUIRE(!outcomes[0]);
    CHECK(outcomes[0].error().errno_value == ECANCELED);
    REQUIRE(!outcomes[1]);
    CAPTURE(outcomes[1].error().message);
    CHECK(outcomes[1].error().kind == ErrorKind::kBug);
  }
  CHECK(nftables.observe() == before);
}

TEST_CASE("no changes are no message") {
  Nftables nftables;
  CHECK(nftables.apply({}).empty());
}

KernelState crowded_state(std::size_t endpoints_per_family) {
  KernelState state;
  add_redirect_rules(state, RedirectOf::kEveryPacket);
  for (std::size_t at = 0; at < endpoints_per_family; ++at) {
    const auto port = static_cast<std::uint16_t>(1 + at % 60'000);
    add_redirect(state, endpoint("192.0.2.1", Protocol::kTcp, port), RedirectOf::kEveryPacket);
    add_redirect(state, endpoint("2001:db8::1", Protocol::kUdp, port), RedirectOf::kEveryPacket);
  }
  return state;
}

TEST_CASE("ten thousand elements go in and out") {
  Nftables nftables;
  const KernelState crowded = crowded_state(5'000);
  REQUIRE(crowded.nft_elements.size() == 10'000);
  const std::vector<Change> changes = creates(crowded);
  CHECK(nftables::build_batch(changes, {}).entries.size() < 30);
  nftables.apply_all(changes);
  CHECK(nftables.observe() == crowded);

  const KernelState nothing = crowded_state(0);
  nftables.apply_all(creates(nothing, crowded));
  CHECK(nftables.observe() == nothing);
}

TEST_CASE("other tables are neither read nor touched") {
  Nftables nftables;
  const std::string ours_by_name_only = R"(
    table ip twobox { set redirect-ipv4 { type ipv4_addr; elements = { 192.0.2.1 }; }
      chain prerouting { type nat hook prerouting priority dstnat; counter comment "x: y"; }; }
    table inet twobox2 { map redirect-ipv4 { type ipv4_addr . inet_proto . inet_service : mark; }
      chain input { type filter hook input priority 0; ip saddr 192.0.2.0/24 drop; }; }
    table netdev twobox { })";
  nft(ours_by_name_only);
  const std::string others = list_ruleset();
  REQUIRE(contains(others, "table netdev twobox"));

  const KernelState want = redirect_state();
  CHECK(nftables.made(want) == want);
  CHECK(list_ruleset().starts_with(others));
  const std::vector<Change> remove = {NftTableChange{{}, NftTableConfig{}, std::nullopt}};
  nftables.apply_all(remove);
  CHECK(list_ruleset() == others);
}

/// Changes the table back and forth between two states until told to stop.
class Toggler {
 public:
  Toggler(const KernelState& one, const KernelState& other)
      : thread_([this, forth = creates(other, one), back = creates(one, other)] {
          auto backend = NftablesBackend::open();
          while (backend && !stop_) {
            for (const auto& changes : {forth, back})
              for (const Status& outcome : backend->apply(changes, {}))
                if (!outcome) failed_ = true;
            ++rounds_;
            // Between two changes there must be time for one reading, on slow machines too.
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
          }
        }) {}
  ~Toggler() {
    stop_ = true;
    thread_.join();
  }
  bool failed() const { return failed_; }
  int rounds() const { return rounds_; }

 private:
  std::atomic<bool> stop_ = false;
  std::atomic<bool> failed_ = false;
  std::atomic<int> rounds_ = 0;
  std::thread thread_;
};

TEST_CASE("a state that never was is never read") {
  Nftables nftables;
  const KernelState one = crowded_state(50);
  KernelState other;
  add_redirect_rules(other, RedirectOf::kEveryPacket);
  add_redirect(other, endpoint("198.51.100.1", Protocol::kSctp, 1), RedirectOf::kEveryPacket);
  nftables.made(one);

  const Toggler toggler(one, other);
  int whole = 0;
  int torn = 0;
  for (int reading = 0; reading < 2'000 && (whole < 50 || toggler.rounds() < 50); ++reading) {
    KernelState state;
    NftablesBackend::Handles handles;
    NftCounts counts;
    const Status observed = nftables.backend().observe(state, handles, counts);
    if (observed) {
      REQUIRE((state == one || state == other));
      ++whole;
    } else {
      REQUIRE(observed.error().kind == ErrorKind::kTornDump);
      CHECK(state == KernelState{});
      ++torn;
    }
  }
  CHECK(!toggler.failed());
  MESSAGE("read whole: ", whole, ", given up: ", torn, ", changes: ", 2 * toggler.rounds());
}

}  // namespace
}  // namespace twobox::nft_test
