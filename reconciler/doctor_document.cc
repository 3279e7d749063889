// What the document, this node's sockets and its firewall show.
#include "reconciler/doctor_checks.h"
#include "reconciler/resolve.h"
#include "reconciler/servers.h"
#include "reconciler/vrrp_firewall.h"

namespace twobox::doctor {
namespace {

std::string names_of(const std::set<NodeName>& nodes) {
  std::string text;
  for (const NodeName& name : nodes) text += (text.empty() ? "" : " and ") + name;
  return text;
}

/// The nodes that get a VIP's packets unchanged.
std::set<NodeName> nodes_given_the_vip(const Document& document, const Vip& vip,
                                       const Service& service) {
  std::set<NodeName> nodes;
  for (const Server& server : servers_or_default(document, service)) {
    if (server.forwarding == Forwarding::kMasquerade) continue;
    const IpAddress& address = address_of(document, server, vip.address.address().family());
    for (const auto& [name, node] : document.nodes)
      if (has_address(node, address)) nodes.insert(name);
  }
  return nodes;
}

}  // namespace

Examination listeners(const DoctorFacts& facts) {
  if (!facts.listeners) return {{}, {facts.listeners.error().message}};
  Examination examination;
  for (const ListenerFact& fact : *facts.listeners) {
    if (fact.listens) continue;
    const SelftestFinding judged = judge_listener(fact.wanted, false);
    const std::string port = std::to_string(fact.wanted.port.host_order());
    examination.findings.push_back(
        {fact.wanted.subject.vip + ": " + judged.path,
         judged.reason + "; what listens is shown by: ss -ltn 'sport = :" + port + "'"});
  }
  return examination;
}

Examination bypass(const DoctorFacts& facts) {
  const Document& document = *facts.document;
  Examination examination;
  for (const auto& [name, vip] : document.vips) {
    if (vip.bypass != Bypass::kNone) continue;
    for (const Service& service : vip.services) {
      const auto nodes = nodes_given_the_vip(document, vip, service);
      if (nodes.size() < 2) continue;
      examination.findings.push_back(
          {name + ": " + names_of(nodes) + " are director and server of " +
               endpoint_text(vip.address.address(), service.port.host_order()) +
               ", and its bypass is none",
           "set /vips/" + name +
               "/bypass in the document to mac-mark, redirect or backup-only, then on each node: "
               "twobox apply FILE"});
    }
  }
  return examination;
}

Examination vrrp(const DoctorFacts& facts) {
  if (!facts.kernel) return {{}, {facts.kernel.error().message}};
  const auto verdict =
      judge_vrrp(resolve(facts.document, facts.node, roles_of(facts.roles)), *facts.kernel);
  if (!verdict) return {};
  if (!verdict->readable) return {{}, {"the nftables chains of others can't be read"}};
  Examination examination;
  for (const VrrpBlock& block : verdict->blocks)
    examination.findings.push_back(
        {block.chain + " drops VRRP by its policy, and no rule of it accepts protocol 112",
         block.command});
  return examination;
}

}  // namespace twobox::doctor
