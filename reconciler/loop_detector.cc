#include "reconciler/loop_detector.h"

#include <algorithm>

#include "schema/ip_protocol.h"

namespace twobox {
namespace {

constexpr std::size_t kPlaces = 256;
constexpr std::chrono::seconds kWindow{2};

bool same_packet(const LoopSuspect& one, const LoopSuspect& other) {
  return one.identity == other.identity && one.source == other.source &&
         one.destination == other.destination && one.protocol == other.protocol &&
         one.source_port == other.source_port && one.destination_port == other.destination_port;
}

/// FNV-1a over what same_packet() compares and is likely to differ.
std::size_t place_of(const LoopSuspect& packet) {
  std::uint64_t hash = 0xcbf29ce484222325;
  const auto mix = [&hash](std::uint64_t value) { hash = (hash ^ value) * 0x100000001b3; };
  for (const std::uint8_t byte : packet.source.bytes()) mix(byte);
  mix(packet.source_port);
  mix(packet.destination_port);
  mix(packet.identity);
  mix(packet.identity >> 32);
  return (hash >> 32) % kPlaces;
}

std::string protocol_name(std::uint8_t number) {
  for (const Protocol protocol : kEveryProtocol)
    if (ip_protocol(protocol) == number) return std::string(to_string(protocol));
  return "protocol " + std::to_string(number);
}

std::string sender_name(const MacAddress& mac, const Document& document) {
  for (const auto& [name, node] : document.nodes)
    if (std::ranges::find(node.macs, mac) != node.macs.end()) return name;
  return mac.to_string() + ", which is no node's in the document";
}

std::string vip_name(const IpAddress& address, const Document& document) {
  for (const auto& [name, vip] : document.vips)
    if (vip.address.address() == address) return " (" + name + ")";
  return "";
}

}  // namespace

std::string loop_text(const LoopEvidence& evidence, const Document& document) {
  const LoopSuspect& packet = evidence.packet;
  std::string text = protocol_name(packet.protocol) + " " +
                     endpoint_text(packet.source, packet.source_port) + " to " +
                     endpoint_text(packet.destination, packet.destination_port) +
                     vip_name(packet.destination, document) + " came 3 times from " +
                     sender_name(packet.from, document) + ", with ";
  for (const std::uint8_t ttl : evidence.ttls)
    text += (text.ends_with(' ') ? "" : ", ") + std::to_string(ttl);
  return text + " hops left, last at " + time_text(evidence.at);
}

LoopDetector::LoopDetector() : sightings_(kPlaces) {}

void LoopDetector::see(const LoopSuspect& suspect, Moment now) {
  std::optional<Sighting>& place = sightings_[place_of(suspect)];
  const bool fresh = place && now.steady - place->first <= kWindow;
  const bool same = fresh && same_packet(place->packet, suspect);
  if (fresh && !same) return;
  // The same frame again, as on a bridge and its port.
  if (same && suspect.ttl == place->packet.ttl) return;
  if (!same || suspect.ttl > place->packet.ttl) place = Sighting{suspect, {}, 0, now.steady};
  place->packet = suspect;
  place->ttls.at(place->times++) = suspect.ttl;
  if (place->times < place->ttls.size()) return;
  evidence_ = LoopEvidence{suspect, place->ttls, now.wall};
  seen_ = now.steady;
  place.reset();
}

std::optional<LoopEvidence> LoopDetector::evidence(SteadyTime now) {
  if (evidence_ && now - seen_ >= kMemory) evidence_.reset();
  return evidence_;
}

std::optional<SteadyTime> LoopDetector::next() const {
  if (!evidence_) return std::nullopt;
  return seen_ + kMemory;
}

}  // namespace twobox
