// What the kernel has counted. It informs and decides nothing.
#pragma once

#include <cstdint>
#include <map>

#include "reconciler/objects.h"

namespace twobox {

/// Since the service or real server was made, up to two seconds old: the kernel sums them up when
/// it estimates rates (net/netfilter/ipvs/ip_vs_est.c). What a real server answers by direct
/// routing does not come by the director, so only masquerading has anything going out.
struct IpvsCounters {
  std::uint64_t connections = 0;
  std::uint64_t packets_in = 0;
  std::uint64_t packets_out = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  friend bool operator==(const IpvsCounters&, const IpvsCounters&) = default;
};

struct RealServerTraffic {
  IpvsCounters counters;
  std::uint32_t active_connections = 0;  // established, as the director sees it
  std::uint32_t inactive_connections = 0;
  friend bool operator==(const RealServerTraffic&, const RealServerTraffic&) = default;
};

struct Traffic {
  std::map<IpvsServiceKey, IpvsCounters> services;
  std::map<RealServerKey, RealServerTraffic> servers;
  NftCounts nft_counts;
  friend bool operator==(const Traffic&, const Traffic&) = default;
};

}  // namespace twobox
