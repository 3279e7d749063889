#include <utility>

#include "schema/fault_text.h"
#include "schema/rules.h"

namespace twobox {
namespace {

using Endpoint = std::pair<Protocol, Port>;

void check_endpoint(const RuleCheck& check, const Service& service, const std::string& pointer,
                    FirstPlaces<Endpoint>& endpoints) {
  if (!check.known.is_known(pointer + "/protocol") || !check.known.is_known(pointer + "/port"))
    return;
  const auto* const first = endpoints.see({service.protocol, service.port}, pointer);
  if (first == nullptr) return;
  const std::string endpoint = std::string(to_string(service.protocol)) + " port " +
                               std::to_string(service.port.host_order());
  check.refuse(pointer, found_also(endpoint, *first), "each protocol and port once in a VIP");
}

void check_service(const RuleCheck& check, const Service& service, const std::string& pointer) {
  const bool is_without_persistence =
      service.persistence_timeout == 0 && check.known.is_known(pointer + "/persistence_timeout");
  if (service.persistence_prefix_length && is_without_persistence)
    check.refuse(pointer + "/persistence_netmask", "a netmask without persistence",
                 "a netmask beside a \"persistence_timeout\" of 1 or more");
  if (service.one_packet && service.protocol != Protocol::kUdp &&
      check.known.is_known(pointer + "/protocol"))
    check.refuse(pointer + "/one_packet",
                 "true with protocol " + in_quotes(to_string(service.protocol)),
                 "true with protocol \"udp\" only");
}

}  // namespace

void check_services(const RuleCheck& check) {
  for (const auto& [name, vip] : check.document.vips) {
    FirstPlaces<Endpoint> endpoints;
    for (std::size_t i = 0; i < vip.services.size(); ++i) {
      const std::string pointer = service_pointer(name, i);
      check_endpoint(check, vip.services[i], pointer, endpoints);
      check_service(check, vip.services[i], pointer);
    }
  }
}

}  // namespace twobox
