// Whole lists of real servers by getsockopt(), where that tells everything.
#pragma once

#include <cstddef>
#include <map>
#include <optional>

#include "backends/file_descriptor.h"
#include "reconciler/objects.h"

namespace twobox::ipvs {

/// Reads the real servers of an IPv4 service in two calls, each of which fills an array under
/// IPVS's lock. By netlink it takes three, two buffers of the kernel's, an attribute for each
/// number, and no lock that lasts; but it alone tells of IPv6, mixed families and the encapsulation
/// of tunnels. Belongs to the network namespace in which it was opened. Not thread-safe. Source:
/// net/netfilter/ipvs/ip_vs_ctl.c, do_ip_vs_get_ctl().
class ServerLists {
 public:
  /// Without a socket, where this process may have none of IPv4, it can tell nothing.
  ServerLists();

  /// Absent: whatever this way can't tell, the service being gone and EPERM among it.
  std::optional<std::map<RealServerKey, RealServerConfig>> read(
      const IpvsServiceKey& service) const;

  /// Services of IPv4, which alone the kernel counts. Absent: as above.
  std::optional<std::size_t> count_services() const;

 private:
  FileDescriptor socket_;
};

}  // namespace twobox::ipvs
