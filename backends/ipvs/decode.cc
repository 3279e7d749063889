#include <arpa/inet.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <string>

#include "backends/ipvs/codec.h"
#include "backends/netlink/attributes.h"
#include "schema/ip_protocol.h"

namespace twobox::ipvs {
namespace {

using netlink::AttributeTable;
using netlink::AttributeView;
using netlink::MessageView;

// What a kernel before 4.3 uses and does not report. (net/netfilter/ipvs/ip_vs_sync.c)
constexpr std::array<std::uint8_t, 4> kDefaultSyncGroup = {224, 0, 0, 81};
constexpr std::uint16_t kDefaultSyncPort = 8848;
constexpr std::uint8_t kDefaultSyncTtl = 1;

Error malformed(std::string what) {
  return {ErrorKind::kTransport, EBADMSG, "malformed IPVS message: " + std::move(what)};
}

/// Reads attributes one after the other and remembers the first that could not be read.
class Reader {
 public:
  explicit Reader(AttributeTable table) : table_(std::move(table)) {}

  /// The attributes nested in `type` of the message. Error: kTransport.
  static Result<Reader> nested(MessageView message, std::uint16_t type, std::uint16_t highest) {
    const auto outer = of_message(message);
    if (!outer) return outer.error();
    const AttributeView& nest = outer->table_[type];
    if (!nest.present()) return malformed("attribute " + std::to_string(type) + " is missing");
    auto table = AttributeTable::parse(nest.bytes(), highest);
    if (!table) return table.error();
    return Reader(*std::move(table));
  }
  static Result<Reader> of_message(MessageView message) {
    const auto payload = netlink::attributes_of(message, GENL_HDRLEN);
    if (!payload) return payload.error();
    auto table = AttributeTable::parse(*payload, IPVS_CMD_ATTR_MAX);
    if (!table) return table.error();
    return Reader(*std::move(table));
  }

  bool has(std::uint16_t type) const { return table_[type].present(); }

  template <typename T>
  T get(std::uint16_t type) {
    return keep(table_[type].as<T>());
  }
  template <typename T>
  T get_or(std::uint16_t type, T absent) {
    return keep(table_[type].as_or<T>(absent));
  }
  std::string text(std::uint16_t type) { return keep(table_[type].as_text()); }

  IpAddress address(std::uint16_t type, AddressFamily family) {
    // union nf_inet_addr, of which IPv4 uses the first four bytes.
    const auto bytes = get<std::array<std::uint8_t, 16>>(type);
    if (family == AddressFamily::kIpv6) return IpAddress::from_ipv6(bytes);
    return IpAddress::from_ipv4(std::span(bytes).first<4>());
  }

  const std::optional<Error>& error() const { return error_; }

 private:
  template <typename T>
  T keep(Result<T> value) {
    if (value) return *std::move(value);
    if (!error_) error_ = value.error();
    return T{};
  }

  AttributeTable table_;
  std::optional<Error> error_;
};

std::optional<AddressFamily> address_family(std::uint16_t family) {
  if (family == AF_INET) return AddressFamily::kIpv4;
  if (family == AF_INET6) return AddressFamily::kIpv6;
  return std::nullopt;
}

std::optional<Protocol> protocol(std::uint16_t number) {
  for (const Protocol known : kEveryProtocol)
    if (number == ip_protocol(known)) return known;
  return std::nullopt;
}

std::optional<Forwarding> forwarding(std::uint32_t method) {
  switch (method & IP_VS_CONN_F_FWD_MASK) {
    case IP_VS_CONN_F_MASQ:
      return Forwarding::kMasquerade;
    // Old kernels turned a real server on this machine into a "local node" whatever was asked for;
    // newer ones keep direct routing and deliver it locally. (net/netfilter/ipvs/ip_vs_xmit.c)
    case IP_VS_CONN_F_LOCALNODE:
    case IP_VS_CONN_F_DROUTE:
      return Forwarding::kDirect;
    case IP_VS_CONN_F_TUNNEL:
      return Forwarding::kTunnel;
    default:
      return std::nullopt;
  }
}

/// IPv4: a mask in network order. IPv6: the length itself, in host order.
unsigned prefix_length(AddressFamily family, std::uint32_t netmask) {
  if (family == AddressFamily::kIpv6) return netmask <= 128 ? netmask : kNotAPrefix;
  const std::uint32_t mask = ntohl(netmask);
  const auto ones = static_cast<unsigned>(std::countl_one(mask));
  return std::popcount(mask) == static_cast<int>(ones) ? ones : kNotAPrefix;
}

std::optional<IpvsServiceKey> service_key(Reader& from) {
  const auto family = address_family(from.get<std::uint16_t>(IPVS_SVC_ATTR_AF));
  if (!family) return std::nullopt;
  // The kernel gives either a mark or an endpoint. (ip_vs_ctl.c, ip_vs_genl_fill_service)
  if (from.has(IPVS_SVC_ATTR_FWMARK))
    return FirewallMark{*family, from.get<std::uint32_t>(IPVS_SVC_ATTR_FWMARK)};
  const auto known = protocol(from.get<std::uint16_t>(IPVS_SVC_ATTR_PROTOCOL));
  const IpAddress address = from.address(IPVS_SVC_ATTR_ADDR, *family);
  const std::uint16_t port = ntohs(from.get<std::uint16_t>(IPVS_SVC_ATTR_PORT));
  if (!known) return std::nullopt;
  return Endpoint{address, *known, port};
}

IpvsServiceConfig service_config(Reader& from, AddressFamily family) {
  IpvsServiceConfig config;
  config.scheduler = from.text(IPVS_SVC_ATTR_SCHED_NAME);
  if (from.has(IPVS_SVC_ATTR_PE_NAME)) config.persistence_engine = from.text(IPVS_SVC_ATTR_PE_NAME);
  // Only the bits a document speaks about count. The kernel sets IP_VS_SVC_F_HASHED (2) on every
  // service it has linked in, and nobody can ask for it. (ip_vs_ctl.c, ip_vs_svc_hash)
  const std::uint32_t flags = from.get<ip_vs_flags>(IPVS_SVC_ATTR_FLAGS).flags;
  config.one_packet = (flags & IP_VS_SVC_F_ONEPACKET) != 0;
  config.scheduler_flags = {.flag_1 = (flags & IP_VS_SVC_F_SCHED1) != 0,
                            .flag_2 = (flags & IP_VS_SVC_F_SCHED2) != 0,
                            .flag_3 = (flags & IP_VS_SVC_F_SCHED3) != 0};
  // Every service has a timeout and a netmask; without the flag they have no effect.
  const auto timeout = from.get<std::uint32_t>(IPVS_SVC_ATTR_TIMEOUT);
  const auto netmask = from.get<std::uint32_t>(IPVS_SVC_ATTR_NETMASK);
  if ((flags & IP_VS_SVC_F_PERSISTENT) != 0)
    config.persistence = Persistence{timeout, prefix_length(family, netmask)};
  return config;
}

TunnelEncapsulation tunnel(Reader& from) {
  // Absent in kernels before 5.2, which know only IP in IP.
  return {.type = from.get_or<std::uint8_t>(IPVS_DEST_ATTR_TUN_TYPE, 0),
          .port = ntohs(from.get_or<std::uint16_t>(IPVS_DEST_ATTR_TUN_PORT, 0)),
          .flags = from.get_or<std::uint16_t>(IPVS_DEST_ATTR_TUN_FLAGS, 0)};
}

IpAddress sync_group(Reader& from) {
  if (from.has(IPVS_DAEMON_ATTR_MCAST_GROUP6))
    return from.address(IPVS_DAEMON_ATTR_MCAST_GROUP6, AddressFamily::kIpv6);
  return IpAddress::from_ipv4(
      from.get_or<std::array<std::uint8_t, 4>>(IPVS_DAEMON_ATTR_MCAST_GROUP, kDefaultSyncGroup));
}

}  // namespace

Decoded<IpvsServiceKey, IpvsServiceConfig> decode_service(MessageView message) {
  auto from = Reader::nested(message, IPVS_CMD_ATTR_SERVICE, IPVS_SVC_ATTR_MAX);
  if (!from) return from.error();
  const auto key = service_key(*from);
  if (from->error()) return *from->error();
  if (!key) return std::optional<std::pair<IpvsServiceKey, IpvsServiceConfig>>();
  IpvsServiceConfig config = service_config(*from, family_of(*key));
  if (from->error()) return *from->error();
  return std::optional(std::pair(*key, std::move(config)));
}

Decoded<RealServerKey, RealServerConfig> decode_server(MessageView message,
                                                       const IpvsServiceKey& service) {
  auto from = Reader::nested(message, IPVS_CMD_ATTR_DEST, IPVS_DEST_ATTR_MAX);
  if (!from) return from.error();
  using Server = std::pair<RealServerKey, RealServerConfig>;

  // Kernels before 3.18 have no mixed families and don't report this.
  const std::uint16_t same = family_of(service) == AddressFamily::kIpv4 ? AF_INET : AF_INET6;
  const auto family = address_family(from->get_or<std::uint16_t>(IPVS_DEST_ATTR_ADDR_FAMILY, same));
  const IpAddress address =
      from->address(IPVS_DEST_ATTR_ADDR, family.value_or(AddressFamily::kIpv6));
  const std::uint16_t port = ntohs(from->get<std::uint16_t>(IPVS_DEST_ATTR_PORT));
  const auto method = forwarding(from->get<std::uint32_t>(IPVS_DEST_ATTR_FWD_METHOD));

  RealServerConfig config{.forwarding = method.value_or(Forwarding::kDirect),
                          .weight = from->get<std::uint32_t>(IPVS_DEST_ATTR_WEIGHT),
                          .upper_threshold = from->get<std::uint32_t>(IPVS_DEST_ATTR_U_THRESH),
                          .lower_threshold = from->get<std::uint32_t>(IPVS_DEST_ATTR_L_THRESH),
                          .tunnel = {}};
  // The kernel keeps and reports the encapsulation whatever the method is; only a tunnel uses it.
  if (method == Forwarding::kTunnel) config.tunnel = tunnel(*from);
  if (from->error()) return *from->error();
  if (!family || !method) return std::optional<Server>();
  return std::optional(Server({service, address, port}, config));
}

std::optional<std::pair<RealServerKey, RealServerConfig>> decode_server(
    const ip_vs_dest_entry& entry, const IpvsServiceKey& service) {
  const auto method = forwarding(entry.conn_flags);
  if (!method) return std::nullopt;
  const auto address = std::bit_cast<std::array<std::uint8_t, 4>>(entry.addr);
  return std::pair(RealServerKey{service, IpAddress::from_ipv4(address), ntohs(entry.port)},
                   RealServerConfig{.forwarding = *method,
                                    .weight = static_cast<std::uint32_t>(entry.weight),
                                    .upper_threshold = entry.u_threshold,
                                    .lower_threshold = entry.l_threshold,
                                    .tunnel = {}});
}

Decoded<SyncDaemonKey, SyncDaemonConfig> decode_daemon(MessageView message) {
  auto from = Reader::nested(message, IPVS_CMD_ATTR_DAEMON, IPVS_DAEMON_ATTR_MAX);
  if (!from) return from.error();
  using Daemon = std::pair<SyncDaemonKey, SyncDaemonConfig>;

  const auto state = from->get<std::uint32_t>(IPVS_DAEMON_ATTR_STATE);
  const auto id = from->get<std::uint32_t>(IPVS_DAEMON_ATTR_SYNC_ID);
  const auto interface = InterfaceName::parse(from->text(IPVS_DAEMON_ATTR_MCAST_IFN));
  const auto max_length = from->get_or<std::uint16_t>(IPVS_DAEMON_ATTR_SYNC_MAXLEN, 0);
  const auto port = from->get_or<std::uint16_t>(IPVS_DAEMON_ATTR_MCAST_PORT, kDefaultSyncPort);
  const auto ttl = from->get_or<std::uint8_t>(IPVS_DAEMON_ATTR_MCAST_TTL, kDefaultSyncTtl);
  const IpAddress group = sync_group(*from);
  if (from->error()) return *from->error();
  if (!interface) return malformed("a sync daemon's " + interface.error().message);
  if (state != IP_VS_STATE_MASTER && state != IP_VS_STATE_BACKUP)
    return malformed("a sync daemon in state " + std::to_string(state));
  if (id > UINT8_MAX) return std::optional<Daemon>();

  const SyncDaemonKey key{state == IP_VS_STATE_MASTER ? SyncState::kMaster : SyncState::kBackup};
  return std::optional(
      Daemon(key, {*interface, static_cast<std::uint8_t>(id), max_length, group, port, ttl}));
}

Result<IpvsTimeoutsConfig> decode_timeouts(MessageView message) {
  auto from = Reader::of_message(message);
  if (!from) return from.error();
  const IpvsTimeoutsConfig config{
      .tcp = from->get_or<std::uint32_t>(IPVS_CMD_ATTR_TIMEOUT_TCP, 0),
      .tcp_fin = from->get_or<std::uint32_t>(IPVS_CMD_ATTR_TIMEOUT_TCP_FIN, 0),
      .udp = from->get_or<std::uint32_t>(IPVS_CMD_ATTR_TIMEOUT_UDP, 0)};
  if (from->error()) return *from->error();
  return config;
}

}  // namespace twobox::ipvs
