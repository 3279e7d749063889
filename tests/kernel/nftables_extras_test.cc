// An element of ours that somebody wrote anew with something beside its key: the kernel takes it,
// but no nft writes it.
#include <doctest/doctest.h>
#include <netinet/in.h>
// <netinet/in.h> must come first: netfilter.h uses its types without including it.
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <array>
#include <cstdint>
#include <vector>

#include "backends/nftables/handles.h"
#include "backends/nftables/message.h"
#include "reconciler/bypass_table.h"
#include "reconciler/describe.h"
#include "tests/kernel/nftables_support.h"

namespace twobox::nft_test {
namespace {

using namespace nftables;

KernelState redirect_state() {
  KernelState state;
  add_redirect_rules(state, RedirectOf::kEveryPacket);
  add_redirect(state, endpoint("192.0.2.1", Protocol::kTcp, 80), RedirectOf::kEveryPacket);
  return state;
}

void count_the_element() {
  nft("delete element inet twobox redirect-ipv4 { 192.0.2.1 . tcp . 80 }");
  const SetHandle set(nftnl_set_alloc());
  nftnl_set_set_str(set.get(), NFTNL_SET_TABLE, kNftTableName);
  nftnl_set_set_str(set.get(), NFTNL_SET_NAME, "redirect-ipv4");
  nftnl_set_elem* const element = nftnl_set_elem_alloc();
  const std::array<std::uint8_t, 12> key = {192, 0, 2, 1, IPPROTO_TCP, 0, 0, 0, 0, 80, 0, 0};
  nftnl_set_elem_set(element, NFTNL_SET_ELEM_KEY, key.data(), key.size());
  nftnl_set_elem_add_expr(element, nftnl_expr_alloc("counter"));
  nftnl_set_elem_add(set.get(), element);
  Message message = build_message(NFT_MSG_NEWSETELEM, NLM_F_CREATE, [&set](nlmsghdr* header) {
    nftnl_set_elems_nlmsg_build_payload(header, set.get());
  });
  nlmsghdr* const messages[] = {message.header()};
  const Status sent =
      netlink::Socket::open(NETLINK_NETFILTER)->transaction(messages, NFNL_SUBSYS_NFTABLES).at(0);
  REQUIRE_MESSAGE(sent.has_value(), (sent ? "" : sent.error().message));
}

TEST_CASE("an element that counts is replaced in one step, so that it is never missing") {
  Nftables nftables;
  DesiredState desired;
  desired.kernel = redirect_state();
  nftables.made(desired.kernel);
  count_the_element();
  REQUIRE(contains(run("nft list set inet twobox redirect-ipv4").text, "counter packets 0"));

  const Plan plan = plan_for(nftables, desired);
  REQUIRE(plan.steps.size() == 1);
  CHECK(plan.steps[0].phase == Phase::kBypassOn);
  CHECK(plan.steps[0].reason == "part of the bypass, edited by somebody else");
  const Description update = describe(plan.steps[0].change);
  CHECK(update.action == Action::kUpdate);
  CHECK(difference(*update.before, *update.after) == "has_extras yes -> no");
  carry_out(nftables, plan);
  CHECK(nftables.observe() == desired.kernel);
  CHECK(!contains(run("nft list set inet twobox redirect-ipv4").text, "counter"));
}

TEST_CASE("adding an element that counts leaves it as it is (why it must be deleted first)") {
  Nftables nftables;
  const KernelState want = redirect_state();
  nftables.made(want);
  count_the_element();
  std::vector<Change> adds;
  for (const auto& [key, config] : want.nft_elements)
    adds.emplace_back(NftElementChange{key, std::nullopt, config});
  nftables.apply_all(adds);
  CHECK(contains(run("nft list set inet twobox redirect-ipv4").text, "counter packets 0"));
  CHECK(nftables.observe() != want);
}

}  // namespace
}  // namespace twobox::nft_test
