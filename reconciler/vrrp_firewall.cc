#include "reconciler/vrrp_firewall.h"

#include <set>
#include <utility>

#include "reconciler/commands.h"

namespace twobox {
namespace {

using Path = std::pair<InterfaceName, AddressFamily>;

bool sees(const DroppingChain& chain, AddressFamily family) {
  return chain.family == "inet" || chain.family == (family == AddressFamily::kIpv4 ? "ip" : "ip6");
}

std::string name_of(const DroppingChain& chain) {
  return chain.family + " " + shell_word(chain.table) + " " + shell_word(chain.name);
}

/// Inserted, not added: it must come before a rule that drops or rejects the rest. The protocol as
/// a number, since its name is only known where /etc/protocols is.
std::string letting_through(const DroppingChain& chain, const Path& path) {
  return "nft insert rule " + name_of(chain) +
         (chain.hook == NftHook::kInput ? " iifname " : " oifname ") +
         shell_word(path.first.str()) +
         (path.second == AddressFamily::kIpv4 ? " ip daddr 224.0.0.18" : " ip6 daddr ff02::12") +
         " meta l4proto 112 accept";
}

}  // namespace

std::string to_string(const VrrpBlock& block) {
  return block.chain + " drops VRRP by its policy and no rule of it accepts protocol 112: `" +
         block.command + "`";
}

std::optional<VrrpVerdict> judge_vrrp(const DesiredState& desired, const ObservedState& observed) {
  if (desired.followed.empty()) return std::nullopt;
  if (!observed.dropping_chains) return VrrpVerdict{};
  std::set<Path> paths;
  for (const auto& [address, interface] : desired.followed)
    paths.emplace(interface, address.family());
  VrrpVerdict verdict{true, {}};
  for (const DroppingChain& chain : *observed.dropping_chains)
    for (const Path& path : paths)
      if (sees(chain, path.second) && !chain.accepts_vrrp.contains(path.second))
        verdict.blocks.push_back({name_of(chain), letting_through(chain, path)});
  return verdict;
}

}  // namespace twobox
