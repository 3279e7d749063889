#include "reconciler/resolve_servers.h"

#include <algorithm>

#include "reconciler/servers.h"
#include "reconciler/slow_start.h"

namespace twobox {

struct ServerResolver::Candidate {
  RealServerKey key;
  RealServerConfig config;  // as the document has it
  ServerHealth health;
  std::optional<Drain> drain;

  bool takes_connections() const {
    return health.health != Health::kDown && !drain && config.weight > 0;
  }
};

struct ServerResolver::Pool {
  std::vector<Candidate> servers;
  std::optional<Candidate> fallback;
  QuorumState quorum;
};

namespace {

/// What a fallback gets to finish, unless somebody says otherwise: its answers are short.
constexpr std::chrono::seconds kFallbackEnds{60};

/// With UDP nobody ends a connection, so all that is left are those that were never heard of again.
bool counts_inactive(const Service& service) {
  return service.protocol == Protocol::kUdp;
}

/// The first drain by hand that means the server: its own, then its address's, then its node's.
const std::chrono::seconds* drain_by_hand(const Document& document, const DrainOverrides& drains,
                                          const RealServerKey& server) {
  const auto find = [&drains](const std::string& name) -> const std::chrono::seconds* {
    const auto found = drains.find(name);
    return found == drains.end() ? nullptr : &found->second;
  };
  if (drains.empty()) return nullptr;
  if (const auto* own = find(endpoint_text(server.address, server.port))) return own;
  if (const auto* address = find(server.address.to_string())) return address;
  for (const auto& [name, node] : document.nodes)
    if (const auto* drain = find(name); drain != nullptr && has_address(node, server.address))
      return drain;
  return nullptr;
}

/// IPVS remembers a connection for minutes, longer than busy clients need to come to the same port
/// again. If its server is gone it would swallow what its client sends, be it a new connection;
/// with the first it ends at once, and a new connection leaves a server of weight 0 as well. With
/// the second, clients that persist do. (Documentation/networking/ipvs-sysctl.rst;
/// net/netfilter/ipvs/ip_vs_core.c, ip_vs_in, and ip_vs_conn.c, ip_vs_check_template)
void hold_expiry(const Service& service, bool drains, DesiredState& desired) {
  const bool removes = service.check && service.on_failure == OnFailure::kRemove;
  if (drains || service.check)
    desired.kernel.sysctls[SysctlKey{"net.ipv4.vs.expire_nodest_conn"}] = {"1"};
  const bool quiesces = (service.check && !removes) || service.fallback || drains;
  if (service.persistence_timeout != 0 && quiesces)
    desired.kernel.sysctls[SysctlKey{"net.ipv4.vs.expire_quiescent_template"}] = {"1"};
}

}  // namespace

ServerHealth ServerResolver::health_of(const Service& service, const RealServerKey& server) const {
  ServerHealth well;
  well.health = Health::kUp;
  if (!service.check || evidence_.health == nullptr) return well;
  const auto found = evidence_.health->find(server);
  return found == evidence_.health->end() ? ServerHealth{} : found->second;
}

std::optional<Drain> ServerResolver::drain_of(const Service& service, const Server& server,
                                              const RealServerKey& key) const {
  const bool counts = counts_inactive(service);
  if (const auto* by_hand = drain_by_hand(document_, evidence_.drains, key))
    return Drain{*by_hand, counts};
  if (server.drain) return Drain{*server.drain, counts};
  for (const auto& [name, node] : document_.nodes)
    if (node.drain && has_address(node, key.address)) return Drain{*node.drain, counts};
  return std::nullopt;
}

ServerResolver::Candidate ServerResolver::candidate(const Vip& vip, const Service& service,
                                                    const IpvsServiceKey& key,
                                                    const Server& server) const {
  const RealServerKey own{key, address_of(document_, server, vip.address.address().family()),
                          server.port.value_or(service.port).host_order()};
  RealServerConfig config;
  config.forwarding = server.forwarding;
  config.weight = server.weight;
  config.upper_threshold = server.upper_threshold;
  config.lower_threshold = server.lower_threshold;
  return {own, config, health_of(service, own), drain_of(service, server, own)};
}

ServerResolver::Pool ServerResolver::pool(const Vip& vip, const Service& service,
                                          const IpvsServiceKey& key) const {
  Pool pool;
  for (const Server& server : servers_or_default(document_, service))
    pool.servers.push_back(candidate(vip, service, key, server));
  pool.quorum.quorum = service.quorum;
  pool.quorum.serving =
      static_cast<std::size_t>(std::ranges::count_if(pool.servers, &Candidate::takes_connections));
  if (!service.fallback) return pool;
  pool.fallback = candidate(vip, service, key, *service.fallback);
  pool.fallback->health.health = Health::kUp;  // it is not checked
  if (pool.quorum.serving < service.quorum && pool.fallback->takes_connections())
    pool.quorum.fallback = pool.fallback->key;
  return pool;
}

std::uint32_t ServerResolver::weight_of(const Service& service, const Candidate& server,
                                        std::optional<SteadyTime>& next_change) const {
  const auto& health = server.health;
  // What was well when it was first asked has been serving all along.
  if (health.transitions == 0 || service.slow_start == std::chrono::seconds(0))
    return server.config.weight;
  const auto age = evidence_.now - health.since.steady;
  if (const auto next = next_weight_at(server.config.weight, age, service.slow_start)) {
    const SteadyTime due = health.since.steady + *next;
    next_change = next_change ? std::min(*next_change, due) : due;
  }
  return slow_start_weight(server.config.weight, age, service.slow_start);
}

void ServerResolver::place(const Service& service, const Candidate& server, bool on_fallback,
                           DesiredState& desired) const {
  const RealServerKey& key = server.key;
  const bool down = server.health.health == Health::kDown;
  if (down) desired.server_reasons[key] = "its checks fail: " + server.health.cause;
  if (down && service.on_failure == OnFailure::kRemove) {
    desired.leaving.stages[key] = DrainStage::kOver;
    return;
  }
  if (server.drain) {
    desired.server_reasons.try_emplace(key, "it drains");
    desired.leaving.servers[key] = *server.drain;
    return;
  }
  if (server.health.health == Health::kUnknown) {
    desired.untouched.insert(key);
    return;
  }
  RealServerConfig config = server.config;
  config.weight = down ? 0 : weight_of(service, server, desired.next_change);
  if (!down && config.weight != server.config.weight)
    desired.server_reasons[key] = "up again, its weight grows";
  if (on_fallback && !down) {
    config.weight = 0;
    desired.server_reasons[key] = "its service is below its quorum, and on the fallback";
  }
  auto& servers = desired.kernel.ipvs_servers;
  servers.emplace_hint(servers.end(), key, config);  // in most documents they come in order
}

void ServerResolver::add(const Vip& vip, const Service& service, const IpvsServiceKey& key,
                         DesiredState& desired) const {
  const Pool members = pool(vip, service, key);
  bool drains = service.drain.has_value();
  for (const Candidate& server : members.servers) {
    place(service, server, members.quorum.fallback.has_value(), desired);
    drains = drains || server.drain.has_value();
  }
  if (members.quorum.fallback.has_value()) {
    desired.kernel.ipvs_servers.emplace(members.fallback->key, members.fallback->config);
    desired.server_reasons[members.fallback->key] = "the fallback, its service is below its quorum";
  } else if (members.fallback && (members.fallback->drain || !service.drain)) {
    desired.leaving.servers[members.fallback->key] =
        members.fallback->drain.value_or(Drain{kFallbackEnds, counts_inactive(service)});
  }
  if (service.drain) desired.leaving.services[key] = {*service.drain, counts_inactive(service)};
  if (service.check || service.fallback || drains) desired.quorums[key] = members.quorum;
  hold_expiry(service, drains, desired);
}

}  // namespace twobox
