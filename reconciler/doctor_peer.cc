// What the peer shows, by its daemon or on the wire.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "reconciler/doctor_checks.h"
#include "reconciler/doctor_settings.h"
#include "reconciler/field_reader.h"
#include "reconciler/fields_json.h"

namespace twobox::doctor {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostDifferences = 5;
constexpr std::size_t kLongestValue = 60;

/// "08:00:27:e1:3c:c5", or "a and b".
template <typename Range, typename Text>
std::string joined(const Range& range, std::string_view between, Text text_of) {
  std::string text;
  for (const auto& item : range) text += (text.empty() ? "" : std::string(between)) + text_of(item);
  return text;
}

std::string owner_of(const Document& document, const MacAddress& mac) {
  for (const auto& [name, node] : document.nodes)
    if (std::ranges::find(node.macs, mac) != node.macs.end()) return name;
  return mac.to_string();
}

std::string where(const PeerFacts& peer) {
  return peer.node ? *peer.node : peer.api;
}

std::string end_of_two_masters(const VipName& name) {
  return "twobox role " + name + " backup, on one of them, until the cause is found";
}

/// Each node's document may have its own role in words.
void take_over_own_roles(Document& theirs, const Document& ours) {
  for (auto& [name, vip] : theirs.vips) {
    const auto own = ours.vips.find(name);
    if (own != ours.vips.end() && std::holds_alternative<Role>(own->second.role) &&
        std::holds_alternative<Role>(vip.role))
      vip.role = own->second.role;
  }
}

std::string value_at(const Json& document, const std::string& pointer) {
  const Json::json_pointer place(pointer);
  if (!document.contains(place)) return "nothing";
  std::string text = json_text(document.at(place));
  if (text.size() > kLongestValue) text = text.substr(0, kLongestValue) + "...";
  return text;
}

/// "/vips/web/bypass: "none" here, "redirect" there; ..."
std::string differences(const std::string& ours, const std::string& theirs) {
  const Json here = parse_written_json(ours);
  const Json there = parse_written_json(theirs);
  std::string text;
  std::size_t count = 0;
  for (const Json& step : Json::diff(here, there)) {
    if (++count > kMostDifferences) return text + "; ...";
    const auto pointer = step.at("path").get<std::string>();
    text += (text.empty() ? "" : "; ") + pointer + ": " + value_at(here, pointer) + " here, " +
            value_at(there, pointer) + " there";
  }
  return text;
}

Examination masters_by_peer(const DoctorFacts& facts, const PeerFacts& peer) {
  if (!peer.roles) return {{}, {peer.roles.error().message}};
  Examination examination;
  for (const auto& [name, own] : facts.roles) {
    const auto theirs = peer.roles->find(name);
    if (own.role != Role::kMaster || theirs == peer.roles->end() || theirs->second != Role::kMaster)
      continue;
    examination.findings.push_back({name + ": " + facts.node + " (by " + own.source + ") and " +
                                        where(peer) + " are both master",
                                    end_of_two_masters(name)});
  }
  return examination;
}

Examination judge_claimants(const DoctorFacts& facts, const VipName& name, const Vip& vip) {
  if (vip.address.address().family() != AddressFamily::kIpv4)
    return {{}, {name + ": an IPv6 VIP needs --peer"}};
  const auto asked = facts.claimants.find(name);
  if (asked == facts.claimants.end()) return {{}, {name + ": " + not_read().message}};
  if (!asked->second) return {{}, {name + ": " + asked->second.error().message}};
  std::set<std::string> owners;
  for (const MacAddress& mac : *asked->second) owners.insert(owner_of(*facts.document, mac));
  if (facts.roles.at(name).role == Role::kMaster) owners.insert(facts.node);
  if (owners.size() < 2) return {};
  return {{{name + ": " + vip.address.address().to_string() + " is answered for by " +
                joined(owners, " and ", [](const std::string& owner) { return owner; }),
            end_of_two_masters(name)}},
          {}};
}

/// `place`: where a peer's address is looked for.
Examination judge_peer_mac(const DoctorFacts& facts, const NodeName& name,
                           const NeighbourMacs::key_type& place) {
  const auto& [interface, address] = place;
  const std::vector<MacAddress>& macs = facts.document->nodes.at(name).macs;
  if (macs.empty()) return {};
  const std::string peer = address.to_string() + " of " + name + " on " + interface.str();
  const auto found = facts.neighbours.find(place);
  if (found == facts.neighbours.end()) return {{}, {peer + " does not answer"}};
  if (std::ranges::find(macs, found->second) != macs.end()) return {};
  const std::string mac = found->second.to_string();
  return {{{peer + " has the MAC " + mac + "; the document says " +
                joined(macs, ", ", [](const MacAddress& known) { return known.to_string(); }),
            "put " + mac + " into /nodes/" + name +
                "/macs of the document; or find whose it is: ip neighbour show to " +
                address.to_string() + " dev " + interface.str()}},
          {}};
}

}  // namespace

Examination documents(const DoctorFacts& facts) {
  if (!facts.peer) return {{}, {"no --peer was given"}};
  const PeerFacts& peer = *facts.peer;
  if (!peer.document) return {{}, {peer.document.error().message}};
  auto theirs = read_document(*peer.document, kMaxLargeDocumentBytes);
  if (const auto* const faults = std::get_if<Faults>(&theirs))
    return {{},
            {"the document of " + where(peer) +
             " is none to this version of twobox: " + to_string(faults->front())}};
  Document document = *std::get<ValidDocument>(theirs);
  take_over_own_roles(document, *facts.document);
  if (document == *facts.document) return {};
  return {{{facts.node + " and " + where(peer) + " differ at " +
                differences(facts.document_text, *peer.document),
            "twobox put FILE --api " + peer.api + ", or here, with the one that is right"}},
          {}};
}

Examination masters(const DoctorFacts& facts) {
  if (facts.peer) return masters_by_peer(facts, *facts.peer);
  Examination examination;
  for (const auto& [name, vip] : facts.document->vips)
    add(examination, judge_claimants(facts, name, vip));
  return examination;
}

Examination peer_macs(const DoctorFacts& facts) {
  const Document& document = *facts.document;
  Examination examination;
  for (const InterfaceName& interface : vip_interfaces(document))
    for (const auto& [name, node] : document.nodes)
      for (const IpAddress& address : node.addresses)
        if (name != facts.node) add(examination, judge_peer_mac(facts, name, {interface, address}));
  return examination;
}

}  // namespace twobox::doctor
