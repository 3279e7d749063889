#include "twobox/doctor_reading.h"

#include <nlohmann/json.hpp>

#include "backends/modules.h"
#include "backends/probe/claims.h"
#include "backends/probe/listeners.h"
#include "backends/system/keepalived_files.h"
#include "backends/system/network.h"
#include "backends/system/services.h"
#include "reconciler/field_reader.h"
#include "twobox/api_client.h"
#include "twobox/neighbour_macs.h"

namespace twobox {
namespace {

using Json = nlohmann::ordered_json;

/// Who has an address answers ARP within this.
constexpr std::chrono::milliseconds kClaimPatience{300};

Result<std::vector<ListenerFact>> read_listeners(const Document& document, const NodeName& node) {
  const auto sockets = listening_sockets();
  if (!sockets) return sockets.error();
  std::vector<ListenerFact> facts;
  for (const SelftestListener& wanted : selftest_listeners(document, node))
    facts.push_back({wanted, would_accept(*sockets, wanted.bound_to, wanted.port)});
  return facts;
}

Result<Link> link_of(const Result<Machine>& machine, const InterfaceName& interface) {
  if (!machine) return machine.error();
  const auto found = machine->links.find(interface);
  if (found == machine->links.end())
    return Error{ErrorKind::kUnavailable, 0, interface.str() + " does not exist"};
  return found->second;
}

Result<std::set<MacAddress>> read_claimants(const Result<Machine>& machine, const Vip& vip) {
  const auto link = link_of(machine, vip.interface);
  if (!link) return link.error();
  if (!link->mac)
    return Error{ErrorKind::kUnavailable, 0, vip.interface.str() + " has no Ethernet address"};
  return find_claimants(vip.interface, *link->mac, vip.address.address(), kClaimPatience);
}

Result<std::optional<AddressKeeper>> read_keeper(const Result<Machine>& machine,
                                                 const InterfaceName& interface) {
  const auto link = link_of(machine, interface);
  if (!link) return link.error();
  return address_keeper("", link->index);
}

/// The body of a 200.
Result<std::string> ask(const std::string& api, const std::string& target) {
  const auto response = ask_daemon(api, {target});
  if (!response) return response.error();
  if (response->status == 200) return response->body;
  return Error{ErrorKind::kUnavailable, 0,
               api + " answers " + target + " by " + std::to_string(response->status)};
}

/// "" where there is no such text: a peer may be anything.
std::string text_at(const Json& document, const Json::json_pointer& place) {
  if (!document.contains(place) || !document.at(place).is_string()) return "";
  return document.at(place).get<std::string>();
}

std::map<VipName, Role> roles_in(const Json& status, const Document& document) {
  std::map<VipName, Role> roles;
  for (const auto& [name, vip] : document.vips) {
    const auto pointer = Json::json_pointer("/vips") / name / "role";
    if (const auto role = role_from_text(text_at(status, pointer))) roles.emplace(name, *role);
  }
  return roles;
}

PeerFacts read_peer(const std::string& api, const Document& document) {
  const auto status = ask(api, "/v1/status");
  auto their_document = ask(api, "/v1/document");
  if (!status) return {api, status.error(), status.error(), std::move(their_document)};
  const Json object = parse_written_json(*status);
  const std::string node = text_at(object, Json::json_pointer("/node"));
  if (node.empty()) {
    const Error none{ErrorKind::kUnavailable, 0, api + " does not say which node it is"};
    return {api, none, none, std::move(their_document)};
  }
  return {api, node, roles_in(object, document), std::move(their_document)};
}

}  // namespace

DoctorFacts read_doctor_facts(DoctorPlace place, LiveKernel& kernel) {
  DoctorFacts facts{place.document, std::move(place.document_text), std::move(place.node),
                    std::move(place.roles)};
  const Document& document = *facts.document;
  facts.interfaces = interface_shapes();
  facts.kernel = kernel.observe(doctor_scope(
      document, facts.interfaces ? *facts.interfaces : std::map<InterfaceName, InterfaceShape>()));
  facts.ipv4_default_route = ipv4_default_route("");
  facts.listeners = read_listeners(document, facts.node);
  facts.neighbours = find_neighbours(document, facts.node);
  const auto machine = kernel.observe_machine();
  for (const auto& [name, vip] : document.vips) {
    facts.keepers.try_emplace(vip.interface, read_keeper(machine, vip.interface));
    if (vip.address.address().family() == AddressFamily::kIpv4 && !place.peer)
      facts.claimants.emplace(name, read_claimants(machine, vip));
  }
  facts.nftables = nftables_service("");
  facts.keepalived = keepalived_configuration("");
  for (const std::string& module : doctor_modules(document))
    facts.modules.emplace(module, has_kernel_module(module));
  if (place.peer) facts.peer = read_peer(*place.peer, document);
  return facts;
}

}  // namespace twobox
