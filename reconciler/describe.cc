#include "reconciler/describe.h"

#include <array>

#include "reconciler/bypass_table.h"
#include "reconciler/nft_text.h"

namespace twobox {
namespace {

const std::string kTableText = std::string("inet ") + kNftTableName;

constexpr std::array<std::string_view, std::variant_size_v<Change>> kKinds = {
    "address",   "ipvs_service", "ipvs_server", "ipvs_daemon", "ipvs_timeouts", "nft_table",
    "nft_chain", "nft_set",      "nft_element", "nft_rule",    "sysctl"};

constexpr std::array<Subsystem, std::variant_size_v<Change>> kSubsystems = {
    Subsystem::kAddress,  Subsystem::kIpvs,     Subsystem::kIpvs,     Subsystem::kIpvs,
    Subsystem::kIpvs,     Subsystem::kNftables, Subsystem::kNftables, Subsystem::kNftables,
    Subsystem::kNftables, Subsystem::kNftables, Subsystem::kSysctl};

template <typename Key, typename Config>
Action action_of(const ChangeOf<Key, Config>& change) {
  if (!change.before) return Action::kCreate;
  return change.after ? Action::kUpdate : Action::kDelete;
}

template <typename Config>
std::optional<Fields> fields_if(const std::optional<Config>& config) {
  if (!config) return std::nullopt;
  return fields_of(*config);
}

/// "vip web", or the address itself when the document has no VIP there.
std::string vip_text(const IpAddress& address, const DesiredState& desired) {
  const auto found = desired.vip_names.find(address);
  return found == desired.vip_names.end() ? address.to_string() : "vip " + found->second;
}

/// The reason of a change that has no story of its own.
std::string plain_reason(Action action) {
  switch (action) {
    case Action::kCreate:
      return "in the document, not in the kernel";
    case Action::kUpdate:
      return "differs from the document";
    case Action::kDelete:
      break;
  }
  return "made by twobox, no longer in the document";
}

/// Why each kind changes. One overload for each kind that has more to say than plain_reason().
class ReasonOf {
 public:
  explicit ReasonOf(const DesiredState& desired) : desired_(desired) {}

  std::string operator()(const AddressChange& change) const {
    const IpAddress& address = change.key.prefix.address();
    const Action action = action_of(change);
    if (change.key.interface == loopback()) return parked_reason(action, address);
    if (action == Action::kCreate) return "this node is master of " + vip_text(address, desired_);
    if (action == Action::kDelete && desired_.vip_names.contains(address))
      return "this node is not master of " + vip_text(address, desired_);
    return plain_reason(action);
  }
  std::string operator()(const IpvsServiceChange& change) const {
    if (action_of(change) == Action::kDelete && desired_.prune == Prune::kAll)
      return "not in the document, which prunes all";
    return plain_reason(action_of(change));
  }
  std::string operator()(const RealServerChange& change) const {
    if (const auto known = desired_.server_reasons.find(change.key);
        known != desired_.server_reasons.end())
      return known->second;
    if (action_of(change) == Action::kCreate) return plain_reason(Action::kCreate);
    const bool leaves = !desired_.kernel.ipvs_servers.contains(change.key);
    if (leaves && change.after) return "not in the document's service any more, so it drains";
    if (leaves) return "not in the document's service";
    return plain_reason(action_of(change));
  }
  std::string operator()(const NftElementChange& change) const {
    const auto* const endpoint = std::get_if<Endpoint>(&change.key.value);
    if (endpoint == nullptr) return in_our_table(change);
    const std::string vip = vip_text(endpoint->address, desired_);
    if (change.after && change.after->mark)
      return "what no peer has forwarded to " + vip + " is marked";
    if (holds_peer_redirects(change.key.set))
      return action_of(change) == Action::kCreate
                 ? "what a peer sends to " + vip + " was scheduled there, so this node answers"
                 : in_our_table(change);
    if (!holds_redirects(change.key.set))
      return action_of(change) == Action::kCreate
                 ? "what a peer forwards to " + vip + " is hidden from IPVS"
                 : in_our_table(change);
    if (action_of(change) == Action::kCreate)
      return "this node is not master of " + vip + ", so it answers by itself";
    const bool directs = desired_.kernel.ipvs_services.contains(IpvsServiceKey{*endpoint}) &&
                         !is_redirected(desired_.kernel, *endpoint);
    if (action_of(change) == Action::kDelete && directs)
      return "this node is master of " + vip + ", so its IPVS schedules";
    return in_our_table(change);
  }
  std::string operator()(const SysctlChange& change) const {
    if (desired_.kernel.sysctls.contains(change.key)) return "held by the document";
    return "no longer held: back to its former value";
  }
  template <typename Key, typename Config>
  std::string operator()(const ChangeOf<Key, Config>& change) const {
    return in_our_table(change);
  }
  std::string operator()(const SyncDaemonChange& change) const {
    return plain_reason(action_of(change));
  }
  std::string operator()(const IpvsTimeoutsChange& change) const {
    return plain_reason(action_of(change));
  }

 private:
  std::string parked_reason(Action action, const IpAddress& address) const {
    const std::string vip = vip_text(address, desired_);
    if (action == Action::kCreate)
      return "takes what a peer forwards to " + vip + ", without telling the wire";
    if (action == Action::kDelete && desired_.vip_names.contains(address))
      return "the bypass of " + vip + " does without it";
    return plain_reason(action);
  }

  template <typename Key, typename Config>
  std::string in_our_table(const ChangeOf<Key, Config>& change) const {
    switch (action_of(change)) {
      case Action::kCreate:
        return "part of the bypass, not in the kernel";
      case Action::kUpdate:
        return "part of the bypass, edited by somebody else";
      case Action::kDelete:
        break;
    }
    return "in twobox's own table, but not part of the bypass";
  }

  const DesiredState& desired_;
};

}  // namespace

std::string_view to_string(Action action) {
  constexpr std::array<std::string_view, 3> kNames = {"create", "update", "delete"};
  return kNames.at(static_cast<std::size_t>(action));
}

Action action_of(const Change& change) {
  return std::visit([](const auto& of) { return action_of(of); }, change);
}

std::string key_text(const AddressKey& key) {
  return key.interface.str() + " " + key.prefix.to_string();
}

std::string key_text(const IpvsServiceKey& key) {
  if (const auto* endpoint = std::get_if<Endpoint>(&key))
    return std::string(to_string(endpoint->protocol)) + " " +
           endpoint_text(endpoint->address, endpoint->port);
  const auto& mark = std::get<FirewallMark>(key);
  return "fwmark " + std::to_string(mark.mark) +
         (mark.family == AddressFamily::kIpv4 ? " ipv4" : " ipv6");
}

std::string key_text(const RealServerKey& key) {
  return key_text(key.service) + " -> " + endpoint_text(key.address, key.port);
}

std::string key_text(const SyncDaemonKey& key) {
  return key.state == SyncState::kMaster ? "master" : "backup";
}

std::string key_text(const IpvsTimeoutsKey&) {
  return "timeouts";
}

std::string key_text(const NftTableKey&) {
  return kTableText;
}

std::string key_text(const NftChainKey& key) {
  return kTableText + " " + key.name;
}

std::string key_text(const NftSetKey& key) {
  return kTableText + " " + key.name;
}

std::string key_text(const NftElementKey& key) {
  return kTableText + " " + key.set + " " + nft_text(key);
}

std::string key_text(const NftRuleKey& key) {
  return kTableText + " " + key.chain + " " + key.name;
}

std::string key_text(const SysctlKey& key) {
  return key.name;
}

Description describe(const Change& change) {
  return std::visit(
      [&change](const auto& of) {
        return Description{action_of(of), kKinds.at(change.index()), key_text(of.key),
                           fields_if(of.before), fields_if(of.after)};
      },
      change);
}

std::string object_name(const Change& change) {
  const std::string key = std::visit([](const auto& of) { return key_text(of.key); }, change);
  return std::string(kKinds.at(change.index())) + " " + key;
}

Subsystem subsystem_of(const Change& change) {
  return kSubsystems.at(change.index());
}

std::string reason_of(const Change& change, const DesiredState& desired) {
  return std::visit(ReasonOf(desired), change);
}

}  // namespace twobox
