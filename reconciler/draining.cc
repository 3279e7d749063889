#include "reconciler/draining.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "reconciler/resolve.h"
#include "reconciler/servers.h"

namespace twobox {
namespace {

std::uint32_t waits_for(const Drain& rule, const RealServerKey& server,
                        const std::map<RealServerKey, ServerConnections>& connections) {
  const auto found = connections.find(server);
  if (found == connections.end()) return 0;
  return found->second.active + (rule.counts_inactive ? found->second.inactive : 0);
}

/// The rule by which a server that is there stays for now; null: it does not.
const Drain* stays_by(const DesiredState& desired, const RealServerKey& server,
                      const RealServerConfig& config,
                      const std::map<RealServerKey, ServerConnections>& connections) {
  const Drain* const rule = desired.leaving.rule_of(server);
  if (rule == nullptr || !desired.kernel.ipvs_services.contains(server.service)) return nullptr;
  const auto known = desired.leaving.stages.find(server);
  switch (known == desired.leaving.stages.end() ? desired.leaving.otherwise : known->second) {
    case DrainStage::kSettling:
      return rule;
    case DrainStage::kEmptying:
      return config.weight > 0 || waits_for(*rule, server, connections) > 0 ? rule : nullptr;
    case DrainStage::kOver:
      break;
  }
  return nullptr;
}

bool is_wanted(const DesiredState& desired, const RealServerKey& server) {
  return desired.kernel.ipvs_servers.contains(server) || desired.untouched.contains(server);
}

/// "ADDRESS", "ADDRESS:PORT", "[ADDRESS]:PORT"; port 0: none given.
std::optional<std::pair<IpAddress, std::uint16_t>> parse_server(std::string_view text) {
  if (const auto address = IpAddress::parse(std::string(text))) return std::pair(*address, 0);
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto address = IpAddress::parse(std::string(host));
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + colon + 1, end, port);
  if (!address || parsed.ec != std::errc{} || parsed.ptr != end || port == 0) return std::nullopt;
  if (bracketed != (address->family() == AddressFamily::kIpv6)) return std::nullopt;
  return std::pair(*address, port);
}

bool serves_at(const Document& document, const Vip& vip, const Service& service,
               const IpAddress& address, std::uint16_t port) {
  std::vector<Server> servers = servers_or_default(document, service);
  if (service.fallback) servers.push_back(*service.fallback);
  return std::ranges::any_of(servers, [&](const Server& server) {
    const std::uint16_t own = server.port.value_or(service.port).host_order();
    return address_of(document, server, vip.address.address().family()) == address &&
           (port == 0 || port == own);
  });
}

}  // namespace

std::optional<std::string> drain_name(const Document& document, const std::string& text) {
  if (document.nodes.contains(text)) return text;
  const auto server = parse_server(text);
  if (!server) return std::nullopt;
  const auto& [address, port] = *server;
  for (const auto& [name, vip] : document.vips)
    for (const Service& service : vip.services)
      if (serves_at(document, vip, service, address, port))
        return port == 0 ? address.to_string() : endpoint_text(address, port);
  return std::nullopt;
}

const Drain* Leaving::rule_of(const RealServerKey& server) const {
  if (const auto own = servers.find(server); own != servers.end()) return &own->second;
  const auto of_service = services.find(server.service);
  return of_service == services.end() ? nullptr : &of_service->second;
}

void add_stages(Leaving& leaving, const DrainBegins& begins, SteadyTime now) {
  for (const auto& [server, begin] : begins) {
    const Drain* const rule = leaving.rule_of(server);
    if (rule == nullptr) continue;
    const auto age = now - begin;
    leaving.stages.emplace(server, age >= rule->deadline  ? DrainStage::kOver
                                   : age >= kDrainSettles ? DrainStage::kEmptying
                                                          : DrainStage::kSettling);
  }
}

std::map<RealServerKey, RealServerConfig> kept_servers(
    const DesiredState& desired, const std::map<RealServerKey, RealServerConfig>& there,
    const std::map<RealServerKey, ServerConnections>& connections) {
  std::map<RealServerKey, RealServerConfig> kept;
  if (desired.leaving.empty() && desired.untouched.empty()) return kept;
  for (const auto& [server, config] : there) {
    if (desired.kernel.ipvs_servers.contains(server)) continue;
    if (desired.untouched.contains(server)) {
      kept.emplace(server, config);
    } else if (stays_by(desired, server, config, connections) != nullptr) {
      kept.emplace(server, config).first->second.weight = 0;
    }
  }
  return kept;
}

std::map<RealServerKey, std::uint32_t> draining_servers(const DesiredState& desired,
                                                        const ObservedState& observed) {
  std::map<RealServerKey, std::uint32_t> draining;
  if (desired.leaving.empty()) return draining;
  for (const auto& [server, config] : observed.kernel.ipvs_servers) {
    if (is_wanted(desired, server)) continue;
    if (const Drain* const rule = stays_by(desired, server, config, observed.connections))
      draining.emplace(server, waits_for(*rule, server, observed.connections));
  }
  return draining;
}

DrainBegins still_draining(const DrainBegins& begins,
                           const std::map<RealServerKey, std::uint32_t>& draining, SteadyTime now) {
  DrainBegins still;
  for (const auto& [server, connections] : draining) {
    const auto known = begins.find(server);
    still.emplace(server, known == begins.end() ? now : known->second);
  }
  return still;
}

}  // namespace twobox
