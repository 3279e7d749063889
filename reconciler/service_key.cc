#include "reconciler/service_key.h"

#include <cassert>

namespace twobox {
namespace {

std::uint32_t mark_on(const NodeName& node, const Service& service) {
  assert(service.mark.has_value());
  if (const auto* const everywhere = std::get_if<std::uint32_t>(&*service.mark)) return *everywhere;
  return std::get<std::map<NodeName, std::uint32_t>>(*service.mark).at(node);
}

}  // namespace

IpvsServiceKey service_key(const Vip& vip, const Service& service, const NodeName& node) {
  const IpAddress& address = vip.address.address();
  if (vip.bypass == Bypass::kMacMark) return FirewallMark{address.family(), mark_on(node, service)};
  return Endpoint{address, service.protocol, service.port.host_order()};
}

}  // namespace twobox
