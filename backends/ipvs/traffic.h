// The numbers that IPVS keeps for its services and real servers.
//
// Source: include/uapi/linux/ip_vs.h; net/netfilter/ipvs/ip_vs_ctl.c, ip_vs_genl_fill_stats and
// ip_vs_genl_fill_stats64.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "backends/netlink/message.h"
#include "backends/netlink/socket.h"
#include "reconciler/traffic.h"
#include "schema/error.h"

namespace twobox::ipvs {

/// Each takes a whole message, as decode_service() and decode_server() do. Error: kTransport
/// (EBADMSG). Absent: an object that KernelState has no words for.
Result<std::optional<std::pair<IpvsServiceKey, IpvsCounters>>> decode_service_traffic(
    netlink::MessageView message);
Result<std::optional<std::pair<RealServerKey, RealServerTraffic>>> decode_server_traffic(
    netlink::MessageView message, const IpvsServiceKey& service);

/// The IPVS part of Traffic. Objects that come and go meanwhile may be left out.
/// Errors: kTornDump; kKernelRefused (ENOENT when the family is gone, EPERM); kTransport.
Result<Traffic> read_traffic(netlink::Socket& socket, std::uint16_t family);

}  // namespace twobox::ipvs
