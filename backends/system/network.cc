#include "backends/system/network.h"

#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <sstream>

#include "backends/file_descriptor.h"
#include "backends/text_file.h"

namespace twobox {
namespace {

Error failed(const std::string& doing) {
  const int errno_value = errno;
  return {ErrorKind::kTransport, errno_value, doing + ": " + std::strerror(errno_value)};
}

/// nullopt: it has gone.
std::optional<InterfaceShape> shape_of(const FileDescriptor& socket, const char* name) {
  ifreq request{};
  std::strncpy(request.ifr_name, name, sizeof(request.ifr_name) - 1);
  if (::ioctl(socket.get(), SIOCGIFMTU, &request) != 0) return std::nullopt;
  InterfaceShape shape{static_cast<unsigned>(request.ifr_mtu), false};
  if (::ioctl(socket.get(), SIOCGIFHWADDR, &request) != 0) return std::nullopt;
  const auto kind = request.ifr_hwaddr.sa_family;
  shape.is_tunnel = kind == ARPHRD_TUNNEL || kind == ARPHRD_TUNNEL6;
  return shape;
}

struct Route {
  std::string interface;
  std::uint64_t destination = 0;
  std::uint64_t flags = 0;
  std::uint64_t metric = 0;
  std::uint64_t mask = 0;
};

/// One line of the table, whose addresses and flags are hexadecimal.
std::optional<Route> read_route(const std::string& line) {
  std::istringstream words(line);
  Route route;
  std::string gateway;
  std::string unused;
  words >> route.interface >> std::hex >> route.destination >> gateway >> route.flags >> std::dec >>
      unused >> unused >> route.metric >> std::hex >> route.mask;
  if (!words) return std::nullopt;
  return route;
}

}  // namespace

Result<std::map<InterfaceName, InterfaceShape>> interface_shapes() {
  const FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return failed("open a socket");
  struct FreeNames {
    void operator()(struct if_nameindex* names) const noexcept { ::if_freenameindex(names); }
  };
  const std::unique_ptr<struct if_nameindex, FreeNames> names(::if_nameindex());
  if (!names) return failed("list interfaces");
  std::map<InterfaceName, InterfaceShape> shapes;
  for (const struct if_nameindex* at = names.get(); at->if_name != nullptr; ++at) {
    const auto name = InterfaceName::parse(at->if_name);
    const auto shape = shape_of(socket, at->if_name);
    if (name && shape) shapes.emplace(*name, *shape);
  }
  return shapes;
}

Result<std::optional<InterfaceName>> ipv4_default_route(const std::string& root) {
  const auto table = read_text_file(root + "/proc/net/route");
  if (!table) return table.error();
  std::istringstream lines(*table);
  std::optional<Route> best;
  for (std::string line; std::getline(lines, line);) {
    const auto route = read_route(line);
    if (!route || route->destination != 0 || route->mask != 0) continue;
    if ((route->flags & RTF_UP) == 0 || (route->flags & RTF_REJECT) != 0) continue;
    if (!best || route->metric < best->metric) best = route;
  }
  if (!best) return std::optional<InterfaceName>();
  const auto name = InterfaceName::parse(best->interface);
  if (!name) return name.error();
  return std::optional(*name);
}

}  // namespace twobox
