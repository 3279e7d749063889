#include "reconciler/check_targets.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "reconciler/servers.h"
#include "reconciler/service_key.h"

namespace twobox {
namespace {

/// Texts by name, without the braces.
using Replacements = std::vector<std::pair<std::string_view, std::string>>;

/// A brace that begins none of the names stays as it is, and what was put in is not read again.
std::string replaced(std::string_view text, const Replacements& replacements) {
  std::string result;
  while (!text.empty()) {
    const auto named = std::ranges::find_if(replacements, [text](const auto& replacement) {
      return text.starts_with("{" + std::string(replacement.first) + "}");
    });
    if (named != replacements.end()) {
      result += named->second;
      text.remove_prefix(named->first.size() + 2);
    } else {
      result += text.front();
      text.remove_prefix(1);
    }
  }
  return result;
}

void fill_in(Check& check, const Replacements& replacements) {
  if (auto* const exec = std::get_if<ExecCheck>(&check.how)) {
    for (std::string& word : exec->argv) word = replaced(word, replacements);
  } else if (auto* const file = std::get_if<FileCheck>(&check.how)) {
    file->path = replaced(file->path, replacements);
  }
}

/// The document's node that has `address`; "" if none has.
NodeName node_at(const Document& document, const IpAddress& address) {
  for (const auto& [name, node] : document.nodes)
    if (std::ranges::find(node.addresses, address) != node.addresses.end()) return name;
  return "";
}

std::optional<IpAddress> own_address(const Node& node, AddressFamily family) {
  const auto found = std::ranges::find(node.addresses, family, &IpAddress::family);
  if (found == node.addresses.end()) return std::nullopt;
  return *found;
}

CheckTarget target_of(const Document& document, const NodeName& here, const Vip& vip,
                      const Service& service, const Server& server) {
  const IpAddress& vip_address = vip.address.address();
  const auto* const node = std::get_if<NodeName>(&server.target);
  const IpAddress address = node != nullptr
                                ? server_address(document.nodes.at(*node), vip_address.family())
                                : std::get<IpAddress>(server.target);
  const NodeName name = node != nullptr ? *node : node_at(document, address);
  const Port port = server.port.value_or(service.port);
  CheckTarget target{
      .server = {service_key(vip, service, here), address, port.host_order()},
      .check = *service.check,
      .address = address,
      .port = service.check->port.value_or(port),
      .is_local = name == here,
      .vip = vip_address,
      .service_port = service.port,
      .interface = vip.interface,
      .bypass = vip.bypass,
      .macs = name.empty() ? std::vector<MacAddress>() : document.nodes.at(name).macs,
      .own_address = own_address(document.nodes.at(here), vip_address.family()),
  };
  fill_in(target.check, {{"address", address.to_string()},
                         {"port", std::to_string(target.port.host_order())},
                         {"vip", vip_address.to_string()},
                         {"node", name}});
  return target;
}

}  // namespace

std::vector<CheckTarget> check_targets(const ValidDocument& document, const NodeName& node) {
  std::vector<CheckTarget> targets;
  for (const auto& [name, vip] : document->vips)
    for (const Service& service : vip.services)
      if (service.check)
        for (const Server& server : servers_or_default(*document, service))
          targets.push_back(target_of(*document, node, vip, service, server));
  return targets;
}

}  // namespace twobox
