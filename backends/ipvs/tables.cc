#include "backends/ipvs/tables.h"

#include <linux/ip_vs.h>

#include <array>
#include <cerrno>
#include <functional>
#include <optional>
#include <string>

#include "backends/ipvs/codec.h"
#include "reconciler/describe.h"

namespace twobox::ipvs {
namespace {

using netlink::MessageView;
using Services = std::map<IpvsServiceKey, IpvsServiceConfig>;
using Servers = std::map<RealServerKey, RealServerConfig>;

// The kernel fills each part of a dump, here 8 KiB, under one lock. A real server takes about 360
// bytes of it, statistics included, so this many share one, unless memory is too scattered for 8
// KiB at a time. The worst that comes of that is one we add although it is there, and then edit.
// (net/netlink/af_netlink.c, netlink_dump; ip_vs_ctl.c, ip_vs_genl_fill_dest)
constexpr std::size_t kServersReadAtOnce = 16;

constexpr char kChanging[] = "other programs keep changing the table";

/// Reads a dump into a map. `decode` makes an object of each message, or nothing.
///
/// The kernel continues a dump by counting entries and says nothing when the table changes in
/// between: one that is gone makes it leave out another, a new one makes it give another twice.
template <typename Map, typename Decode>
Result<Map> read_map(netlink::Socket& socket, std::uint16_t family,
                     Result<netlink::MessageHandle> request, Decode decode) {
  if (!request) return request.error();
  nlmsghdr* const header = nlmsg_hdr(request->get());
  header->nlmsg_type = family;
  Map objects;
  bool repeated = false;
  const Status read = socket.dump(
      header, [&] { objects.clear(); },
      [&](MessageView message) -> Status {
        auto object = decode(message);
        if (!object) return object.error();
        if (*object && !objects.insert(**std::move(object)).second) repeated = true;
        return success();
      });
  if (!read) return read.error();
  if (repeated) return Error{ErrorKind::kTornDump, EINTR, kChanging};
  return objects;
}

Result<Services> read_services(netlink::Socket& socket, std::uint16_t family) {
  auto services =
      read_map<Services>(socket, family, encode(Command{IPVS_CMD_GET_SERVICE}), decode_service);
  if (!services) return with_context(services.error(), "read IPVS services");
  return services;
}

/// Nothing if there is no such service.
Result<std::optional<IpvsServiceConfig>> read_service(netlink::Socket& socket, std::uint16_t family,
                                                      const IpvsServiceKey& key) {
  const auto request = encode(IPVS_CMD_GET_SERVICE, key, std::nullopt);
  if (!request) return request.error();
  nlmsghdr* const header = nlmsg_hdr(request->get());
  header->nlmsg_type = family;
  std::optional<IpvsServiceConfig> config;
  const Status read = socket.request(header, [&](MessageView message) -> Status {
    auto service = decode_service(message);
    if (!service) return service.error();
    if (*service) config = std::move((*service)->second);
    return success();
  });
  const bool is_gone =
      !read && read.error().kind == ErrorKind::kKernelRefused && read.error().errno_value == ESRCH;
  if (!read && !is_gone) return with_context(read.error(), "read " + key_text(key));
  return config;
}

Result<Servers> read_servers_once(netlink::Socket& socket, std::uint16_t family,
                                  const IpvsServiceKey& service) {
  auto servers =
      read_map<Servers>(socket, family, encode(IPVS_CMD_GET_DEST, service, std::nullopt),
                        [&](MessageView message) { return decode_server(message, service); });
  if (!servers) return with_context(servers.error(), "read real servers of " + key_text(service));
  return servers;
}

/// A list longer than one datagram is read twice, to notice what the kernel has left out.
Result<Servers> read_servers(netlink::Socket& socket, std::uint16_t family,
                             const IpvsServiceKey& service) {
  auto servers = read_servers_once(socket, family, service);
  if (!servers || servers->size() < kServersReadAtOnce) return servers;
  auto again = read_servers_once(socket, family, service);
  if (!again || *again == *servers) return again;
  return with_context({ErrorKind::kTornDump, EINTR, kChanging},
                      "read real servers of " + key_text(service));
}

/// Services are read in the order of their keys, so their servers come last.
void append(Servers& all, Servers servers) {
  while (!servers.empty()) all.insert(all.end(), servers.extract(servers.begin()));
}

/// True if each of the services was certainly there when its list was read.
Result<bool> read_servers_of_all(const Reader& reader, const Services& services, Servers& all) {
  bool each_was_there = true;
  for (const auto& [service, config] : services) {
    if (auto list = reader.lists.read(service)) {
      append(all, *std::move(list));
      continue;
    }
    each_was_there = false;
    auto servers = read_servers(reader.netlink, reader.family, service);
    if (!servers) return servers.error();
    append(all, *std::move(servers));
  }
  return each_was_there;
}

Result<std::map<SyncDaemonKey, SyncDaemonConfig>> read_daemons(netlink::Socket& socket,
                                                               std::uint16_t family) {
  auto daemons = read_map<std::map<SyncDaemonKey, SyncDaemonConfig>>(
      socket, family, encode(Command{IPVS_CMD_GET_DAEMON}), decode_daemon);
  if (!daemons) return with_context(daemons.error(), "read IPVS sync daemons");
  return daemons;
}

Result<IpvsTimeoutsConfig> read_timeouts(netlink::Socket& socket, std::uint16_t family) {
  auto request = encode(Command{IPVS_CMD_GET_CONFIG});
  if (!request) return request.error();
  nlmsghdr* const header = nlmsg_hdr(request->get());
  header->nlmsg_type = family;
  Result<IpvsTimeoutsConfig> timeouts = IpvsTimeoutsConfig{};
  const Status read = socket.request(header, [&](MessageView message) {
    timeouts = decode_timeouts(message);
    return timeouts ? success() : Status(timeouts.error());
  });
  if (!read) return with_context(read.error(), "read IPVS timeouts");
  return timeouts;
}

}  // namespace

Result<Tables> read_services(const Reader& reader, const std::set<IpvsServiceKey>& keys) {
  Tables tables;
  for (const IpvsServiceKey& key : keys) {
    auto before = read_service(reader.netlink, reader.family, key);
    if (!before) return before.error();
    if (!*before) continue;
    tables.services.emplace(key, **before);
    if (auto list = reader.lists.read(key)) {
      tables.servers.merge(*list);
      continue;
    }
    auto servers = read_servers(reader.netlink, reader.family, key);
    if (!servers) return servers.error();
    // As in read_tables(): a service that went meanwhile has an empty list.
    const auto after = read_service(reader.netlink, reader.family, key);
    if (!after) return after.error();
    if (*before != *after)
      return with_context({ErrorKind::kTornDump, EINTR, kChanging}, "read " + key_text(key));
    tables.servers.merge(*servers);
  }
  return tables;
}

Result<Tables> read_tables(const Reader& reader) {
  Tables tables;
  auto services = read_services(reader.netlink, reader.family);
  if (!services) return services.error();
  const auto each_was_there = read_servers_of_all(reader, *services, tables.servers);
  if (!each_was_there) return each_was_there.error();
  // By netlink a service that is gone gives an empty list of real servers rather than an error.
  // (ip_vs_ctl.c, ip_vs_genl_dump_dests) If each was there, and there are no more, none was missed.
  if (!*each_was_there || reader.lists.count_services() != services->size()) {
    auto services_after = read_services(reader.netlink, reader.family);
    if (!services_after) return services_after.error();
    if (*services != *services_after)
      return with_context({ErrorKind::kTornDump, EINTR, kChanging}, "read IPVS services");
  }
  tables.services = *std::move(services);

  auto daemons = read_daemons(reader.netlink, reader.family);
  if (!daemons) return daemons.error();
  tables.daemons = *std::move(daemons);
  const auto timeouts = read_timeouts(reader.netlink, reader.family);
  if (!timeouts) return timeouts.error();
  tables.timeouts[IpvsTimeoutsKey{}] = *timeouts;
  return tables;
}

}  // namespace twobox::ipvs
