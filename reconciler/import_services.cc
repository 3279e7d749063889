#include "reconciler/import_services.h"

#include <optional>
#include <utility>

#include "reconciler/bypass_table.h"
#include "reconciler/describe.h"

namespace twobox {
namespace {

class ServiceFinder {
 public:
  explicit ServiceFinder(const MachineFacts& facts) : facts_(facts), kernel_(facts.state.kernel) {}

  FoundServices take() {
    for (const auto& [key, config] : kernel_.ipvs_services) {
      if (const auto* const endpoint = std::get_if<Endpoint>(&key))
        add_endpoint(key, *endpoint, config);
      else
        add_mark(key, std::get<FirewallMark>(key), config);
    }
    return std::move(found_);
  }

 private:
  void leave_out(const IpvsServiceKey& key, const std::string& why) {
    found_.notes.push_back(key_text(key) + ": " + why + "; left out");
  }

  void add_endpoint(const IpvsServiceKey& key, const Endpoint& endpoint,
                    const IpvsServiceConfig& config) {
    const auto port = Port::from_number(endpoint.port);
    if (!port) return leave_out(key, "a service of all ports");
    add(key, endpoint.address, service_of(key, endpoint.protocol, *port, config));
  }

  void add_mark(const IpvsServiceKey& key, const FirewallMark& mark,
                const IpvsServiceConfig& config) {
    const std::vector<Endpoint> endpoints = endpoints_of(mark);
    if (endpoints.empty())
      return leave_out(key,
                       "no rule of nftables that twobox can read gives a VIP's port this mark");
    for (const Endpoint& endpoint : endpoints) {
      Service service =
          service_of(key, endpoint.protocol, *Port::from_number(endpoint.port), config);
      service.mark = mark.mark;
      add(key, endpoint.address, std::move(service));
    }
    if (endpoints.size() > 1)
      found_.notes.push_back(key_text(key) +
                             ": it stands for several ports, and in a document each "
                             "has a mark of its own");
  }

  /// By rules of others, or by our own table.
  std::vector<Endpoint> endpoints_of(const FirewallMark& mark) const {
    std::set<Endpoint> endpoints;
    for (const ForeignBypass& bypass : facts_.bypasses.read)
      if (bypass.mark == mark.mark && bypass.address.family() == mark.family && bypass.port)
        endpoints.insert(
            {bypass.address, bypass.protocol.value_or(Protocol::kTcp), bypass.port->host_order()});
    for (const auto& [key, config] : kernel_.nft_elements) {
      const auto* const endpoint = std::get_if<Endpoint>(&key.value);
      if (endpoint != nullptr && key.set == mark_map(mark.family) && config.mark == mark.mark)
        endpoints.insert(*endpoint);
    }
    return {endpoints.begin(), endpoints.end()};
  }

  Service service_of(const IpvsServiceKey& key, Protocol protocol, Port port,
                     const IpvsServiceConfig& config) {
    Service service{.protocol = protocol, .port = port};
    service.scheduler = config.scheduler;
    service.scheduler_flags = config.scheduler_flags;
    service.one_packet = config.one_packet;
    if (!config.persistence_engine.empty())
      found_.notes.push_back(key_text(key) + ": a document has no persistence engine; left out: " +
                             config.persistence_engine);
    if (config.persistence) service.persistence_timeout = config.persistence->timeout;
    service.servers = servers_of(key, port);
    return service;
  }

  std::vector<Server> servers_of(const IpvsServiceKey& key, Port port) {
    std::vector<Server> servers;
    for (const auto& [server, config] : kernel_.ipvs_servers) {
      if (server.service != key) continue;
      Server each{.target = server.address,
                  .port = {},
                  .weight = config.weight,
                  .forwarding = config.forwarding,
                  .upper_threshold = config.upper_threshold,
                  .lower_threshold = config.lower_threshold};
      const auto own_port = Port::from_number(server.port);
      if (own_port && *own_port != port) each.port = *own_port;
      if (config.tunnel != TunnelEncapsulation{})
        found_.notes.push_back(key_text(server) + ": tunnels are ipip in a document");
      if (config.forwarding == Forwarding::kDirect) found_.direct.insert(server.address);
      servers.push_back(std::move(each));
    }
    return servers;
  }

  void add(const IpvsServiceKey& key, const IpAddress& vip, Service service) {
    const auto config = kernel_.ipvs_services.at(key);
    if (config.persistence && config.persistence->prefix_length != address_bits(vip.family()))
      service.persistence_prefix_length = config.persistence->prefix_length;
    found_.by_vip[vip].push_back(std::move(service));
  }

  const MachineFacts& facts_;
  const KernelState& kernel_;
  FoundServices found_;
};

}  // namespace

FoundServices find_services(const MachineFacts& facts) {
  return ServiceFinder(facts).take();
}

}  // namespace twobox
