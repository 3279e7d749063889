#include "reconciler/commands.h"

#include "reconciler/describe.h"
#include "reconciler/fields.h"
#include "reconciler/nft_text.h"

namespace twobox {
namespace {

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

}  // namespace

std::string shell_word(const std::string& text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@%+=,-";
  return text.find_first_not_of(kPlain) == std::string::npos ? text : quoted(text);
}

namespace {

std::string in_our_table(const std::string& name) {
  return key_text(NftTableKey{}) + " " + shell_word(name);
}

std::string service_option(const IpvsServiceKey& key) {
  if (const auto* mark = std::get_if<FirewallMark>(&key))
    return "-f " + std::to_string(mark->mark) + (mark->family == AddressFamily::kIpv6 ? " -6" : "");
  const auto& endpoint = std::get<Endpoint>(key);
  const std::string where = endpoint_text(endpoint.address, endpoint.port);
  switch (endpoint.protocol) {
    case Protocol::kUdp:
      return "-u " + where;
    case Protocol::kSctp:
      return "--sctp-service " + where;
    case Protocol::kTcp:
      break;
  }
  return "-t " + where;
}

/// ipvsadm's -M: a dotted netmask for IPv4, a prefix length for IPv6.
std::string persistence_mask(unsigned prefix_length, const IpvsServiceKey& key) {
  const auto* const endpoint = std::get_if<Endpoint>(&key);
  const AddressFamily family =
      endpoint != nullptr ? endpoint->address.family() : std::get<FirewallMark>(key).family;
  if (family == AddressFamily::kIpv6) return std::to_string(prefix_length);
  const std::uint32_t mask = prefix_length == 0 ? 0 : ~std::uint32_t{0} << (32 - prefix_length);
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8)
    text += std::to_string((mask >> static_cast<unsigned>(shift)) & 0xffU) + (shift > 0 ? "." : "");
  return text;
}

std::string service_settings(const IpvsServiceConfig& config, const IpvsServiceKey& key) {
  std::string text = " -s " + config.scheduler;
  std::string flags;
  for (const std::string& flag : flag_names(config.scheduler_flags))
    flags += (flags.empty() ? " -b " : ",") + flag;
  text += flags;
  if (config.persistence) {
    text += " -p " + std::to_string(config.persistence->timeout);
    text += " -M " + persistence_mask(config.persistence->prefix_length, key);
  }
  if (config.one_packet) text += " -o";
  return text;
}

std::string server_settings(const RealServerConfig& config) {
  std::string text;
  switch (config.forwarding) {
    case Forwarding::kDirect:
      text = " -g";
      break;
    case Forwarding::kMasquerade:
      text = " -m";
      break;
    case Forwarding::kTunnel:
      text = " -i";
      break;
  }
  text += " -w " + std::to_string(config.weight);
  if (config.upper_threshold != 0) text += " -x " + std::to_string(config.upper_threshold);
  if (config.lower_threshold != 0) text += " -y " + std::to_string(config.lower_threshold);
  return text;
}

std::string start_daemon(const SyncDaemonChange& change) {
  const SyncDaemonConfig& config = *change.after;
  std::string text = "ipvsadm --start-daemon " + key_text(change.key) + " --mcast-interface " +
                     shell_word(config.interface.str()) + " --syncid " + std::to_string(config.id);
  if (config.max_length != 0) text += " --sync-maxlen " + std::to_string(config.max_length);
  text += " --mcast-group " + config.group.to_string();
  text += " --mcast-port " + std::to_string(config.port);
  return text + " --mcast-ttl " + std::to_string(config.ttl);
}

std::string rule_text(const NftRuleConfig& rule) {
  std::string text;
  for (const NftStatement& statement : rule.statements) text += nft_text(statement) + " ";
  return text + "comment " + quoted('"' + rule.comment + '"');
}

class CommandFor {
 public:
  explicit CommandFor(const std::map<NftRuleKey, std::uint64_t>& handles) : handles_(handles) {}

  std::string operator()(const AddressChange& change) const {
    const bool ipv6 = change.key.prefix.address().family() == AddressFamily::kIpv6;
    const std::string where =
        change.key.prefix.to_string() + " dev " + shell_word(change.key.interface.str());
    const std::string ip = ipv6 ? "ip -6 addr " : "ip addr ";
    if (!change.after) return ip + "del " + where;
    const std::string verb = change.before ? "replace " : "add ";
    return ip + verb + where + (ipv6 ? " nodad" : "") +
           (change.after->preferred ? "" : " preferred_lft 0");
  }
  std::string operator()(const IpvsServiceChange& change) const {
    const std::string service = service_option(change.key);
    if (!change.after) return "ipvsadm -D " + service;
    return std::string("ipvsadm ") + (change.before ? "-E " : "-A ") + service +
           service_settings(*change.after, change.key);
  }
  std::string operator()(const RealServerChange& change) const {
    const std::string server = service_option(change.key.service) + " -r " +
                               endpoint_text(change.key.address, change.key.port);
    if (!change.after) return "ipvsadm -d " + server;
    return std::string("ipvsadm ") + (change.before ? "-e " : "-a ") + server +
           server_settings(*change.after);
  }
  std::string operator()(const SyncDaemonChange& change) const {
    const std::string stop = "ipvsadm --stop-daemon " + key_text(change.key);
    if (!change.after) return stop;
    return (change.before ? stop + " && " : "") + start_daemon(change);
  }
  std::string operator()(const IpvsTimeoutsChange& change) const {
    const IpvsTimeoutsConfig wanted = change.after.value_or(IpvsTimeoutsConfig{});
    return "ipvsadm --set " + std::to_string(wanted.tcp) + " " + std::to_string(wanted.tcp_fin) +
           " " + std::to_string(wanted.udp);
  }
  std::string operator()(const NftTableChange& change) const {
    const std::string name = "table " + key_text(change.key);
    if (!change.after) return "nft delete " + name;
    return change.before ? "nft 'delete " + name + "; add " + name + "'" : "nft add " + name;
  }
  std::string operator()(const NftChainChange& change) const {
    const std::string name = "chain " + in_our_table(change.key.name);
    if (!change.after) return "nft delete " + name;
    return "nft add " + name + " " + quoted("{ " + nft_text(*change.after) + " }");
  }
  std::string operator()(const NftSetChange& change) const {
    const NftSetConfig& config = change.after ? *change.after : *change.before;
    const std::string name =
        (config.maps_to_mark ? "map " : "set ") + in_our_table(change.key.name);
    if (!change.after) return "nft delete " + name;
    const std::string type = "type " + nft_text(config.key_type);
    return "nft add " + name + " " +
           quoted("{ " + type + (config.maps_to_mark ? " : mark" : "") + " ; }");
  }
  std::string operator()(const NftElementChange& change) const {
    const std::string set = " element " + in_our_table(change.key.set);
    const std::string key = "{ " + nft_text(change.key) + " }";
    if (!change.after) return "nft delete" + set + " " + quoted(key);
    const auto& mark = change.after->mark;
    const std::string value =
        mark ? "{ " + nft_text(change.key) + " : " + std::to_string(*mark) + " }" : key;
    if (!change.before) return "nft add" + set + " " + quoted(value);
    return "nft " + quoted("delete" + set + " " + key + "; add" + set + " " + value);
  }
  std::string operator()(const NftRuleChange& change) const {
    const std::string chain = "rule " + in_our_table(change.key.chain);
    if (!change.before) return "nft add " + chain + " " + rule_text(*change.after);
    const auto found = handles_.find(change.key);
    const std::string handle = found == handles_.end() ? "?" : std::to_string(found->second);
    if (!change.after) return "nft delete " + chain + " handle " + handle;
    return "nft replace " + chain + " handle " + handle + " " + rule_text(*change.after);
  }
  std::string operator()(const SysctlChange& change) const {
    const std::string value = change.after ? change.after->value : "";
    return "sysctl -w " + shell_word(change.key.name) + "=" + shell_word(value);
  }

 private:
  const std::map<NftRuleKey, std::uint64_t>& handles_;
};

}  // namespace

std::string command_for(const Change& change, const std::map<NftRuleKey, std::uint64_t>& handles) {
  return std::visit(CommandFor(handles), change);
}

}  // namespace twobox
