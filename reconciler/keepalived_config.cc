#include "reconciler/keepalived_config.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

namespace twobox {
namespace {

using NamedVip = std::pair<const VipName, Vip>;

/// A vrrp_instance. Several VIPs share one only when their roles name the same.
struct Instance {
  std::string name;
  std::vector<const NamedVip*> vips;  // never empty
  AddressFamily family() const { return vips.front()->second.address.address().family(); }
};

struct Vrrp {
  std::vector<Instance> instances;
  std::optional<std::string> fifo;
  std::vector<VipName> left_out;
  bool move_together = false;
};

Error refused(std::string message) {
  return Error{ErrorKind::kInvalidDocument, 0, std::move(message)};
}

/// keepalived gives a meaning of its own to # ! $ ~ @ \ and the quotes.
bool is_plain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           std::string_view("_-.:/+ ").find(c) != std::string_view::npos;
  });
}

/// A quoted string where keepalived would otherwise see two words.
std::string word(const std::string& text) {
  return text.find(' ') == std::string::npos ? text : '"' + text + '"';
}

std::set<std::string> names_in_document(const Document& document) {
  std::set<std::string> names;
  for (const auto& [name, vip] : document.vips)
    if (const auto* role = std::get_if<FollowKeepalived>(&vip.role)) names.insert(role->instance);
  return names;
}

/// VI_1, VI_2 and so on, by the order of instances; names that the document uses are passed over.
std::string free_name(std::set<std::string>& taken, std::size_t number) {
  std::string name;
  do name = "VI_" + std::to_string(number++);
  while (!taken.insert(name).second);
  return name;
}

void add_to_instance(Vrrp& vrrp, const std::string& name, const NamedVip& vip) {
  const auto instance = std::ranges::find(vrrp.instances, name, &Instance::name);
  if (instance == vrrp.instances.end()) {
    vrrp.instances.push_back({name, {&vip}});
  } else {
    instance->vips.push_back(&vip);
  }
}

Status add_followed_instance(Vrrp& vrrp, const FollowKeepalived& role, const NamedVip& vip) {
  for (const std::string& text : {role.instance, role.fifo})
    if (!is_plain(text))
      return refused("VIP " + vip.first + ": in \"" + text +
                     "\" keepalived would not read every character as itself");
  if (vrrp.fifo && *vrrp.fifo != role.fifo)
    return refused("VIP " + vip.first + ": its fifo is " + role.fifo + ", another VIP's is " +
                   *vrrp.fifo + "; keepalived has one for all instances");
  vrrp.fifo = role.fifo;
  add_to_instance(vrrp, role.instance, vip);
  return success();
}

Result<Vrrp> vrrp_of(const Document& document) {
  Vrrp vrrp;
  auto taken = names_in_document(document);
  for (const NamedVip& vip : document.vips) {
    if (std::holds_alternative<FollowAddress>(vip.second.role)) {
      add_to_instance(vrrp, free_name(taken, vrrp.instances.size() + 1), vip);
    } else if (const auto* role = std::get_if<FollowKeepalived>(&vip.second.role)) {
      if (const auto added = add_followed_instance(vrrp, *role, vip); !added) return added.error();
    } else {
      vrrp.left_out.push_back(vip.first);
    }
  }
  // A machine has one sync daemon and one backup_only, so it can't be master of only some VIPs.
  vrrp.move_together = document.sync.has_value() && vrrp.instances.size() > 1;
  return vrrp;
}

constexpr std::size_t kMaxRouterId = 255;

/// 51 and upwards, as in keepalived's own examples; after 255 come the ones below.
std::size_t router_id(std::size_t instance) {
  constexpr std::size_t kFirst = 51;
  return (kFirst - 1 + instance) % kMaxRouterId + 1;
}

/// 100 for the node an instance prefers, then 50, 47, 44 and so on. A node of a lower priority
/// waits 1/256 s longer for each step before it takes the place of a dead master: with 3 steps the
/// next one hears of its successor in time.
std::size_t priority(std::size_t rank) {
  return rank == 0 ? 100 : 50 - 3 * (rank - 1);
}

/// The nodes in the order in which they get an instance: by name, each instance beginning with
/// another node.
std::vector<NodeName> preference(const Document& document, const Vrrp& vrrp, std::size_t instance) {
  std::vector<NodeName> nodes;
  for (const auto& [name, node] : document.nodes) nodes.push_back(name);
  const std::size_t first = vrrp.move_together ? 0 : instance % nodes.size();
  std::rotate(nodes.begin(), std::next(nodes.begin(), static_cast<std::ptrdiff_t>(first)),
              nodes.end());
  return nodes;
}

template <typename Texts>
std::string joined(const Texts& texts) {
  std::string line;
  for (const std::string& text : texts) line += (line.empty() ? "" : ", ") + text;
  return line;
}

std::string head(const Vrrp& vrrp, const NodeName& node) {
  std::string text = "# keepalived for node " + node + R"(, by `twobox render keepalived`.
# Run it as `keepalived -P`: VRRP alone, since twobox holds IPVS and the bypass.
# No notify scripts: twobox sees the address come and go.
#
# A node that comes back takes its VIPs again. Where a second move is worse than
# a wrong place, give every instance `nopreempt`.
)";
  for (const VipName& name : vrrp.left_out)
    text += "#\n# VIP " + name +
            " is left out: the document gives its role, so twobox owns its address.\n";
  text += "global_defs {\n    router_id " + node + "\n";
  if (vrrp.fifo)
    text += "    vrrp_notify_fifo " + word(*vrrp.fifo) + "\n    fifo_write_vrrp_states_on_reload\n";
  return text + "}\n";
}

AddressFamily other_family(AddressFamily family) {
  return family == AddressFamily::kIpv4 ? AddressFamily::kIpv6 : AddressFamily::kIpv4;
}

/// keepalived puts the addresses of only one family into its adverts.
std::string address_list(const Instance& instance, std::string_view keyword, AddressFamily family) {
  std::string lines;
  for (const NamedVip* vip : instance.vips) {
    const IpPrefix& address = vip->second.address;
    if (address.address().family() == family)
      lines += "        " + address.to_string() + " dev " + vip->second.interface.str() + "\n";
  }
  return lines.empty() ? "" : "    " + std::string(keyword) + " {\n" + lines + "    }\n";
}

/// The password goes over the wire as it is, so it protects from accidents only. VRRP version 3,
/// which IPv6 needs, has none, and keepalived refuses a configuration that gives one.
std::string authentication(AddressFamily family) {
  if (family == AddressFamily::kIpv6) return "";
  return R"(    authentication {
        auth_type PASS
        auth_pass twobox
    }
)";
}

std::string instance_text(const Instance& instance, std::size_t number,
                          const std::vector<NodeName>& order, const NodeName& node) {
  const AddressFamily family = instance.family();
  std::vector<VipName> vips;
  for (const NamedVip* vip : instance.vips) vips.push_back(vip->first);
  const auto rank = static_cast<std::size_t>(std::ranges::find(order, node) - order.begin());
  return "\n# " + joined(vips) + ": nodes in order of preference: " + joined(order) +
         "\nvrrp_instance " + word(instance.name) + " {\n    state BACKUP\n    interface " +
         instance.vips.front()->second.interface.str() + "\n    virtual_router_id " +
         std::to_string(router_id(number)) + "\n    priority " + std::to_string(priority(rank)) +
         "\n    advert_int 1\n" + authentication(family) +
         address_list(instance, "virtual_ipaddress", family) +
         address_list(instance, "virtual_ipaddress_excluded", other_family(family)) + "}\n";
}

std::string sync_group(const Vrrp& vrrp) {
  if (!vrrp.move_together) return "";
  std::string text =
      "\n# One sync daemon a machine, so all VIPs move together.\n"
      "vrrp_sync_group all {\n    group {\n";
  for (const Instance& instance : vrrp.instances) text += "        " + word(instance.name) + "\n";
  return text + "    }\n}\n";
}

}  // namespace

Result<std::string> keepalived_config(const Document& document, const NodeName& node) {
  const auto vrrp = vrrp_of(document);
  if (!vrrp) return vrrp.error();
  if (vrrp->instances.empty())
    return refused(
        "no VIP's role is {\"follow\": \"address\"} or {\"follow\": \"keepalived\"}, so there is "
        "none whose address keepalived should own");
  if (vrrp->instances.size() > kMaxRouterId)
    return refused(std::to_string(vrrp->instances.size()) +
                   " VRRP instances, and there are 255 router ids");
  std::string text = head(*vrrp, node);
  for (std::size_t i = 0; i < vrrp->instances.size(); ++i)
    text += instance_text(vrrp->instances[i], i, preference(document, *vrrp, i), node);
  return text + sync_group(*vrrp);
}

}  // namespace twobox
