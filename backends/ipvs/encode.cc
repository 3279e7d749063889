#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <netlink/msg.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "backends/ipvs/codec.h"
#include "schema/ip_protocol.h"

namespace twobox::ipvs {
namespace {

using netlink::MessageHandle;

// The flags a document speaks about. Others (newer kernels') keep what they are: the mask in
// struct ip_vs_flags says which bits are set at all. (ip_vs_ctl.c, ip_vs_genl_parse_service)
constexpr std::uint32_t kOurFlags = IP_VS_SVC_F_PERSISTENT | IP_VS_SVC_F_ONEPACKET |
                                    IP_VS_SVC_F_SCHED1 | IP_VS_SVC_F_SCHED2 | IP_VS_SVC_F_SCHED3;

// The longest request, a real server with all attributes, takes about 250 bytes.
constexpr std::size_t kRequestSize = 512;

std::uint16_t address_family(AddressFamily family) {
  return family == AddressFamily::kIpv4 ? AF_INET : AF_INET6;
}

std::uint32_t forwarding_method(Forwarding forwarding) {
  switch (forwarding) {
    case Forwarding::kMasquerade:
      return IP_VS_CONN_F_MASQ;
    case Forwarding::kTunnel:
      return IP_VS_CONN_F_TUNNEL;
    case Forwarding::kDirect:
      break;
  }
  return IP_VS_CONN_F_DROUTE;
}

std::uint32_t daemon_state(SyncState state) {
  return state == SyncState::kMaster ? IP_VS_STATE_MASTER : IP_VS_STATE_BACKUP;
}

/// A message under construction. Remembers the first attribute that did not fit. Attributes are put
/// there by libmnl, which takes a third of libnl's time for it.
class Request {
 public:
  explicit Request(Command command) : message_(nlmsg_alloc_size(kRequestSize)) {
    if (!message_) return;
    nlmsghdr* const header = nlmsg_put(message_.get(), NL_AUTO_PORT, 0, 0, GENL_HDRLEN, 0);
    if (header == nullptr) {
      message_.reset();
      return;
    }
    const genlmsghdr family_header{.cmd = command, .version = IPVS_GENL_VERSION, .reserved = 0};
    std::memcpy(nlmsg_data(header), &family_header, sizeof(family_header));
  }

  template <typename T>
  void put(int type, const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    put_bytes(type, &value, sizeof(value));
  }
  void put_text(int type, const std::string& text) {
    put_bytes(type, text.c_str(), text.size() + 1);  // with its NUL
  }
  /// union nf_inet_addr: always 16 bytes, of which IPv4 uses the first four.
  void put_address(int type, const IpAddress& address) {
    std::array<std::uint8_t, 16> bytes{};
    std::ranges::copy(address.bytes(), bytes.begin());
    put(type, bytes);
  }

  template <typename Fill>
  void nest(int type, Fill fill) {
    nlattr* const start = message_
                              ? mnl_attr_nest_start_check(nlmsg_hdr(message_.get()), kRequestSize,
                                                          static_cast<std::uint16_t>(type))
                              : nullptr;
    complete_ = complete_ && start != nullptr;
    if (start == nullptr) return;
    fill();
    mnl_attr_nest_end(nlmsg_hdr(message_.get()), start);
  }

  Result<MessageHandle> finish() && {
    if (!message_ || !complete_)
      return Error{ErrorKind::kBug, ENOMEM, "an IPVS request does not fit into its message"};
    return std::move(message_);
  }

 private:
  void put_bytes(int type, const void* bytes, std::size_t size) {
    complete_ = complete_ && message_ &&
                mnl_attr_put_check(nlmsg_hdr(message_.get()), kRequestSize,
                                   static_cast<std::uint16_t>(type), size, bytes);
  }

  MessageHandle message_;
  bool complete_ = true;
};

std::uint32_t flags_of(const IpvsServiceConfig& config) {
  std::uint32_t flags = 0;
  if (config.persistence) flags |= IP_VS_SVC_F_PERSISTENT;
  if (config.one_packet) flags |= IP_VS_SVC_F_ONEPACKET;
  if (config.scheduler_flags.flag_1) flags |= IP_VS_SVC_F_SCHED1;
  if (config.scheduler_flags.flag_2) flags |= IP_VS_SVC_F_SCHED2;
  if (config.scheduler_flags.flag_3) flags |= IP_VS_SVC_F_SCHED3;
  return flags;
}

/// IPv4: a mask in network order. IPv6: the length itself, in host order, and the kernel refuses 0
/// with EINVAL even for a service without persistence. (ip_vs_ctl.c, ip_vs_add_service)
std::uint32_t netmask_of(AddressFamily family, const std::optional<Persistence>& persistence) {
  const unsigned length = persistence ? persistence->prefix_length : address_bits(family);
  if (family == AddressFamily::kIpv6) return length;
  return length == 0 ? 0 : htonl(~std::uint32_t{0} << (32 - length));
}

void put_service_key(Request& request, const IpvsServiceKey& key) {
  request.put(IPVS_SVC_ATTR_AF, address_family(family_of(key)));
  if (const auto* mark = std::get_if<FirewallMark>(&key)) {
    request.put(IPVS_SVC_ATTR_FWMARK, mark->mark);
    return;
  }
  const auto& endpoint = std::get<Endpoint>(key);
  request.put(IPVS_SVC_ATTR_PROTOCOL, std::uint16_t{ip_protocol(endpoint.protocol)});
  request.put_address(IPVS_SVC_ATTR_ADDR, endpoint.address);
  request.put(IPVS_SVC_ATTR_PORT, htons(endpoint.port));
}

void put_service_config(Request& request, AddressFamily family, const IpvsServiceConfig& config) {
  request.put_text(IPVS_SVC_ATTR_SCHED_NAME, config.scheduler);
  // Without this attribute the kernel takes the persistence engine away, which is what "" means.
  if (!config.persistence_engine.empty())
    request.put_text(IPVS_SVC_ATTR_PE_NAME, config.persistence_engine);
  request.put(IPVS_SVC_ATTR_FLAGS, ip_vs_flags{flags_of(config), kOurFlags});
  request.put(IPVS_SVC_ATTR_TIMEOUT, config.persistence ? config.persistence->timeout : 0U);
  request.put(IPVS_SVC_ATTR_NETMASK, netmask_of(family, config.persistence));
}

void put_server_config(Request& request, const RealServerConfig& config) {
  request.put(IPVS_DEST_ATTR_FWD_METHOD, forwarding_method(config.forwarding));
  request.put(IPVS_DEST_ATTR_WEIGHT, config.weight);
  request.put(IPVS_DEST_ATTR_U_THRESH, config.upper_threshold);
  request.put(IPVS_DEST_ATTR_L_THRESH, config.lower_threshold);
  // Plain IP in IP is also what the kernel takes without them, and all that those before 5.2 know.
  if (config.forwarding != Forwarding::kTunnel || config.tunnel == TunnelEncapsulation{}) return;
  request.put(IPVS_DEST_ATTR_TUN_TYPE, config.tunnel.type);
  request.put(IPVS_DEST_ATTR_TUN_PORT, htons(config.tunnel.port));
  request.put(IPVS_DEST_ATTR_TUN_FLAGS, config.tunnel.flags);
}

/// The port goes in host order here, other than everywhere else. (ip_vs_ctl.c,
/// ip_vs_genl_new_daemon)
void put_daemon_config(Request& request, const SyncDaemonConfig& config) {
  request.put_text(IPVS_DAEMON_ATTR_MCAST_IFN, config.interface.str());
  request.put(IPVS_DAEMON_ATTR_SYNC_ID, std::uint32_t{config.id});
  if (config.max_length != 0) request.put(IPVS_DAEMON_ATTR_SYNC_MAXLEN, config.max_length);
  if (!config.group.is_unspecified()) {
    const bool ipv4 = config.group.family() == AddressFamily::kIpv4;
    std::array<std::uint8_t, 4> group{};
    if (ipv4) {
      std::ranges::copy(config.group.bytes(), group.begin());
      request.put(IPVS_DAEMON_ATTR_MCAST_GROUP, group);
    } else {
      request.put_address(IPVS_DAEMON_ATTR_MCAST_GROUP6, config.group);
    }
  }
  if (config.port != 0) request.put(IPVS_DAEMON_ATTR_MCAST_PORT, config.port);
  if (config.ttl != 0) request.put(IPVS_DAEMON_ATTR_MCAST_TTL, config.ttl);
}

Error not_encodable(std::string what) {
  return {ErrorKind::kBug, EINVAL, std::move(what)};
}

}  // namespace

AddressFamily family_of(const IpvsServiceKey& key) {
  if (const auto* endpoint = std::get_if<Endpoint>(&key)) return endpoint->address.family();
  return std::get<FirewallMark>(key).family;
}

Result<MessageHandle> encode(Command command) {
  return Request(command).finish();
}

Result<MessageHandle> encode(Command command, const IpvsServiceKey& key,
                             const std::optional<IpvsServiceConfig>& config) {
  // The kernel would read mark 0 as "no mark" and mean the service tcp 0.0.0.0:0.
  if (const auto* mark = std::get_if<FirewallMark>(&key); mark != nullptr && mark->mark == 0)
    return not_encodable("0 is not a firewall mark");
  const AddressFamily family = family_of(key);
  if (config && config->persistence && config->persistence->prefix_length > address_bits(family))
    return not_encodable("a persistence prefix length is above " +
                         std::to_string(address_bits(family)));
  Request request(command);
  request.nest(IPVS_CMD_ATTR_SERVICE, [&] {
    put_service_key(request, key);
    if (config) put_service_config(request, family, *config);
  });
  return std::move(request).finish();
}

Result<MessageHandle> encode(Command command, const RealServerKey& key,
                             const std::optional<RealServerConfig>& config) {
  Request request(command);
  request.nest(IPVS_CMD_ATTR_SERVICE, [&] { put_service_key(request, key.service); });
  request.nest(IPVS_CMD_ATTR_DEST, [&] {
    request.put_address(IPVS_DEST_ATTR_ADDR, key.address);
    request.put(IPVS_DEST_ATTR_PORT, htons(key.port));
    request.put(IPVS_DEST_ATTR_ADDR_FAMILY, address_family(key.address.family()));
    if (config) put_server_config(request, *config);
  });
  return std::move(request).finish();
}

Result<MessageHandle> encode(Command command, const SyncDaemonKey& key,
                             const std::optional<SyncDaemonConfig>& config) {
  Request request(command);
  request.nest(IPVS_CMD_ATTR_DAEMON, [&] {
    request.put(IPVS_DAEMON_ATTR_STATE, daemon_state(key.state));
    if (config) put_daemon_config(request, *config);
  });
  return std::move(request).finish();
}

Result<MessageHandle> encode(const IpvsTimeoutsConfig& config) {
  Request request(IPVS_CMD_SET_CONFIG);
  request.put(IPVS_CMD_ATTR_TIMEOUT_TCP, config.tcp);
  request.put(IPVS_CMD_ATTR_TIMEOUT_TCP_FIN, config.tcp_fin);
  request.put(IPVS_CMD_ATTR_TIMEOUT_UDP, config.udp);
  return std::move(request).finish();
}

}  // namespace twobox::ipvs
