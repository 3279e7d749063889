// Reading the kernel's IPVS tables whole.
#pragma once

#include <cstdint>
#include <map>
#include <set>

#include "backends/ipvs/server_lists.h"
#include "backends/netlink/socket.h"
#include "reconciler/objects.h"
#include "schema/error.h"

namespace twobox::ipvs {

struct Tables {
  std::map<IpvsServiceKey, IpvsServiceConfig> services;
  std::map<RealServerKey, RealServerConfig> servers;
  std::map<SyncDaemonKey, SyncDaemonConfig> daemons;
  std::map<IpvsTimeoutsKey, IpvsTimeoutsConfig> timeouts;
};

/// What the tables are read by.
struct Reader {
  netlink::Socket& netlink;
  std::uint16_t family;
  const ServerLists& lists;
};

/// Every table as it was at one moment, as far as the kernel lets us know.
/// Errors: kTornDump when services came or went in the meantime (read again then); kKernelRefused
/// (ENOENT when the family is gone, EPERM); kTransport.
Result<Tables> read_tables(const Reader& reader);

/// Of these services those that exist, and their real servers; neither daemons nor timeouts.
/// Errors: as read_tables().
Result<Tables> read_services(const Reader& reader, const std::set<IpvsServiceKey>& keys);

}  // namespace twobox::ipvs
