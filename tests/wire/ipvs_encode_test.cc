// What we send: byte for byte for one of each, and by round trip for many.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <rapidcheck.h>
#include <sys/socket.h>

#include <cerrno>

#include "backends/ipvs/codec.h"
#include "backends/netlink/attributes.h"
#include "tests/unit/netlink/bytes.h"
#include "tests/wire/ipvs_support.h"

using namespace twobox;
using namespace twobox::ipvs_wire;
using netlink::attribute;
using netlink::attribute_of;
using netlink::bytes_of_text;
using netlink::operator+;

namespace {

/// The attributes of an encoded message, after checking its headers.
Bytes payload(const Bytes& message, ipvs::Command command) {
  REQUIRE(message.size() >= 20);
  CHECK(netlink::header_of(message).nlmsg_len == message.size());
  CHECK(message[16] == std::byte{command});
  CHECK(message[17] == std::byte{IPVS_GENL_VERSION});
  return Bytes(message.begin() + 20, message.end());
}

Bytes nest(unsigned type, const Bytes& inner) {
  return attribute(type | NLA_F_NESTED, inner);
}

Bytes text(std::string_view words) {
  return bytes_of_text(words) + Bytes(1);
}

template <typename T>
Bytes u16(unsigned type, T value) {
  return attribute_of(type, static_cast<std::uint16_t>(value));
}
template <typename T>
Bytes u32(unsigned type, T value) {
  return attribute_of(type, static_cast<std::uint32_t>(value));
}

const Bytes kAddress30 = {std::byte{172}, std::byte{16}, std::byte{0}, std::byte{30}};

Bytes ipv4_key_30() {
  return u16(IPVS_SVC_ATTR_AF, AF_INET) + u16(IPVS_SVC_ATTR_PROTOCOL, IPPROTO_TCP) +
         attribute(IPVS_SVC_ATTR_ADDR, kAddress30 + Bytes(12)) + u16(IPVS_SVC_ATTR_PORT, htons(80));
}

}  // namespace

TEST_CASE("ipvs: the bytes of a service") {
  IpvsServiceConfig config = scheduled_by("mh");
  config.persistence = Persistence{360, 24};
  config.scheduler_flags.flag_2 = true;
  const Bytes message = bytes_of(
      ipvs::encode(IPVS_CMD_NEW_SERVICE, endpoint(Protocol::kTcp, "172.16.0.30", 80), config));
  const Bytes want =
      nest(IPVS_CMD_ATTR_SERVICE,
           ipv4_key_30() + attribute(IPVS_SVC_ATTR_SCHED_NAME, text("mh")) +
               attribute_of(IPVS_SVC_ATTR_FLAGS, ip_vs_flags{0x01 | 0x10, 0x3d}) +
               u32(IPVS_SVC_ATTR_TIMEOUT, 360) + u32(IPVS_SVC_ATTR_NETMASK, htonl(0xffffff00)));
  CHECK(payload(message, IPVS_CMD_NEW_SERVICE) == want);
}

TEST_CASE("ipvs: the netmask of a service without persistence is the full one") {
  struct Row {
    IpvsServiceKey key;
    std::uint32_t netmask;
  };
  const Row rows[] = {
      {endpoint(Protocol::kTcp, "172.16.0.30", 80), 0xffffffff},
      {endpoint(Protocol::kUdp, "2001:db8::30", 80), 128},
      {FirewallMark{AddressFamily::kIpv4, 1}, 0xffffffff},
      {FirewallMark{AddressFamily::kIpv6, 1}, 128},
  };
  for (const Row& row : rows) {
    const Bytes message = bytes_of(ipvs::encode(IPVS_CMD_SET_SERVICE, row.key, scheduled_by("rr")));
    const Bytes attributes = payload(message, IPVS_CMD_SET_SERVICE);
    const auto outer = netlink::AttributeTable::parse(attributes, IPVS_CMD_ATTR_SERVICE);
    REQUIRE(outer.has_value());
    const auto table =
        netlink::AttributeTable::parse((*outer)[IPVS_CMD_ATTR_SERVICE].bytes(), IPVS_SVC_ATTR_MAX);
    REQUIRE(table.has_value());
    CHECK(*(*table)[IPVS_SVC_ATTR_NETMASK].as<std::uint32_t>() == row.netmask);
    CHECK(*(*table)[IPVS_SVC_ATTR_TIMEOUT].as<std::uint32_t>() == 0);
  }
}

TEST_CASE("ipvs: the bytes of a real server, with encapsulation only for a tunnel") {
  const RealServerKey key{endpoint(Protocol::kTcp, "172.16.0.30", 80), ip("172.16.0.30"), 8080};
  const Bytes service = nest(IPVS_CMD_ATTR_SERVICE, ipv4_key_30());
  const Bytes identity = attribute(IPVS_DEST_ATTR_ADDR, kAddress30 + Bytes(12)) +
                         u16(IPVS_DEST_ATTR_PORT, htons(8080)) +
                         u16(IPVS_DEST_ATTR_ADDR_FAMILY, AF_INET);
  const auto numbers = [](std::uint32_t method) {
    return u32(IPVS_DEST_ATTR_FWD_METHOD, method) + u32(IPVS_DEST_ATTR_WEIGHT, 5) +
           u32(IPVS_DEST_ATTR_U_THRESH, 9) + u32(IPVS_DEST_ATTR_L_THRESH, 8);
  };
  const Bytes tunnel = attribute_of(IPVS_DEST_ATTR_TUN_TYPE, std::uint8_t{1}) +
                       u16(IPVS_DEST_ATTR_TUN_PORT, htons(6080)) + u16(IPVS_DEST_ATTR_TUN_FLAGS, 1);
  struct Row {
    RealServerConfig config;
    Bytes want;
  };
  const Row rows[] = {
      {{Forwarding::kDirect, 5, 9, 8, {}}, numbers(3)},
      {{Forwarding::kDirect, 5, 9, 8, {1, 6080, 1}}, numbers(3)},
      {{Forwarding::kMasquerade, 5, 9, 8, {}}, numbers(0)},
      {{Forwarding::kTunnel, 5, 9, 8, {}}, numbers(2)},
      {{Forwarding::kTunnel, 5, 9, 8, {1, 6080, 1}}, numbers(2) + tunnel},
  };
  for (const Row& row : rows) {
    const Bytes message = bytes_of(ipvs::encode(IPVS_CMD_NEW_DEST, key, row.config));
    CHECK(payload(message, IPVS_CMD_NEW_DEST) ==
          service + nest(IPVS_CMD_ATTR_DEST, identity + row.want));
  }
  CHECK(payload(bytes_of(ipvs::encode(IPVS_CMD_DEL_DEST, key, std::nullopt)), IPVS_CMD_DEL_DEST) ==
        service + nest(IPVS_CMD_ATTR_DEST, identity));
}

TEST_CASE("ipvs: a sync daemon's zeros are left to the kernel, its port goes in host order") {
  const auto wire = *InterfaceName::parse("wire0");
  const Bytes fixed = u32(IPVS_DAEMON_ATTR_STATE, IP_VS_STATE_BACKUP) +
                      attribute(IPVS_DAEMON_ATTR_MCAST_IFN, text("wire0")) +
                      u32(IPVS_DAEMON_ATTR_SYNC_ID, 7);
  const SyncDaemonKey key{SyncState::kBackup};
  const SyncDaemonConfig bare{wire, 7, 0, ip("0.0.0.0"), 0, 0};
  CHECK(payload(bytes_of(ipvs::encode(IPVS_CMD_NEW_DAEMON, key, bare)), IPVS_CMD_NEW_DAEMON) ==
        nest(IPVS_CMD_ATTR_DAEMON, fixed));
  const SyncDaemonConfig full{wire, 7, 1400, ip("172.16.0.30"), 8849, 3};
  const Bytes rest = u16(IPVS_DAEMON_ATTR_SYNC_MAXLEN, 1400) +
                     attribute(IPVS_DAEMON_ATTR_MCAST_GROUP, kAddress30) +
                     u16(IPVS_DAEMON_ATTR_MCAST_PORT, 8849) +
                     attribute_of(IPVS_DAEMON_ATTR_MCAST_TTL, std::uint8_t{3});
  CHECK(payload(bytes_of(ipvs::encode(IPVS_CMD_NEW_DAEMON, key, full)), IPVS_CMD_NEW_DAEMON) ==
        nest(IPVS_CMD_ATTR_DAEMON, fixed + rest));
}

TEST_CASE("ipvs: what the kernel would misunderstand is not sent") {
  const auto refused = [](const IpvsServiceKey& key, unsigned length) {
    IpvsServiceConfig config = scheduled_by("rr");
    config.persistence = Persistence{1, length};
    const auto message = ipvs::encode(IPVS_CMD_NEW_SERVICE, key, config);
    return !message && message.error().kind == ErrorKind::kBug;
  };
  const IpvsServiceKey ipv4 = endpoint(Protocol::kTcp, "172.16.0.30", 80);
  CHECK(refused(FirewallMark{AddressFamily::kIpv4, 0}, 32));
  CHECK(refused(ipv4, 33));
  CHECK(refused(ipv4, ipvs::kNotAPrefix));
  CHECK_FALSE(refused(ipv4, 32));
  CHECK(refused(FirewallMark{AddressFamily::kIpv6, 1}, 129));
  CHECK_FALSE(refused(FirewallMark{AddressFamily::kIpv6, 1}, 128));
}

// --- round trips
// -----------------------------------------------------------------------------------

namespace {

IpAddress any_address(AddressFamily family) {
  const auto bytes =
      *rc::gen::container<std::array<std::uint8_t, 16>>(rc::gen::arbitrary<std::uint8_t>());
  if (family == AddressFamily::kIpv6) return IpAddress::from_ipv6(bytes);
  return IpAddress::from_ipv4(std::span(bytes).first<4>());
}

AddressFamily any_family() {
  return *rc::gen::element(AddressFamily::kIpv4, AddressFamily::kIpv6);
}

IpvsServiceKey any_service_key() {
  const AddressFamily family = any_family();
  if (*rc::gen::arbitrary<bool>()) return FirewallMark{family, *rc::gen::nonZero<std::uint32_t>()};
  return Endpoint{any_address(family),
                  *rc::gen::element(Protocol::kTcp, Protocol::kUdp, Protocol::kSctp),
                  *rc::gen::arbitrary<std::uint16_t>()};
}

std::string any_name() {
  const auto letters = rc::gen::inRange('a', static_cast<char>('z' + 1));
  const auto length = *rc::gen::inRange<std::size_t>(1, 16);
  return *rc::gen::container<std::string>(length, letters);
}

IpvsServiceConfig any_service_config(AddressFamily family) {
  IpvsServiceConfig config = scheduled_by(any_name());
  config.scheduler_flags = {*rc::gen::arbitrary<bool>(), *rc::gen::arbitrary<bool>(),
                            *rc::gen::arbitrary<bool>()};
  config.one_packet = *rc::gen::arbitrary<bool>();
  if (*rc::gen::arbitrary<bool>()) config.persistence_engine = any_name();
  if (*rc::gen::arbitrary<bool>())
    config.persistence = Persistence{*rc::gen::arbitrary<std::uint32_t>(),
                                     *rc::gen::inRange(0U, address_bits(family) + 1)};
  return config;
}

RealServerConfig any_server_config() {
  RealServerConfig config;
  config.forwarding =
      *rc::gen::element(Forwarding::kDirect, Forwarding::kMasquerade, Forwarding::kTunnel);
  config.weight = *rc::gen::arbitrary<std::uint32_t>();
  config.upper_threshold = *rc::gen::arbitrary<std::uint32_t>();
  config.lower_threshold = *rc::gen::arbitrary<std::uint32_t>();
  if (config.forwarding == Forwarding::kTunnel)
    config.tunnel = {*rc::gen::arbitrary<std::uint8_t>(), *rc::gen::arbitrary<std::uint16_t>(),
                     *rc::gen::arbitrary<std::uint16_t>()};
  return config;
}

}  // namespace

TEST_CASE("ipvs: services survive a round trip") {
  CHECK(rc::check([] {
    const IpvsServiceKey key = any_service_key();
    const IpvsServiceConfig config = any_service_config(ipvs::family_of(key));
    const auto decoded =
        ipvs::decode_service(bytes_of(ipvs::encode(IPVS_CMD_NEW_SERVICE, key, config)));
    RC_ASSERT(decoded.has_value());
    RC_ASSERT(*decoded == std::optional(std::pair(key, config)));
  }));
}

TEST_CASE("ipvs: real servers survive a round trip") {
  CHECK(rc::check([] {
    const RealServerKey key{any_service_key(), any_address(any_family()),
                            *rc::gen::arbitrary<std::uint16_t>()};
    const RealServerConfig config = any_server_config();
    const auto decoded =
        ipvs::decode_server(bytes_of(ipvs::encode(IPVS_CMD_NEW_DEST, key, config)), key.service);
    RC_ASSERT(decoded.has_value());
    RC_ASSERT(*decoded == std::optional(std::pair(key, config)));
  }));
}

TEST_CASE("ipvs: sync daemons survive a round trip") {
  CHECK(rc::check([] {
    const SyncDaemonKey key{*rc::gen::element(SyncState::kMaster, SyncState::kBackup)};
    const IpAddress group = any_address(any_family());
    RC_PRE(!group.is_unspecified());
    const SyncDaemonConfig config{
        *InterfaceName::parse(any_name()),    *rc::gen::arbitrary<std::uint8_t>(),
        *rc::gen::arbitrary<std::uint16_t>(), group,
        *rc::gen::nonZero<std::uint16_t>(),   *rc::gen::nonZero<std::uint8_t>()};
    const auto decoded =
        ipvs::decode_daemon(bytes_of(ipvs::encode(IPVS_CMD_NEW_DAEMON, key, config)));
    RC_ASSERT(decoded.has_value());
    RC_ASSERT(*decoded == std::optional(std::pair(key, config)));
  }));
}

TEST_CASE("ipvs: timeouts survive a round trip") {
  CHECK(rc::check([](std::uint32_t tcp, std::uint32_t tcp_fin, std::uint32_t udp) {
    const IpvsTimeoutsConfig config{tcp, tcp_fin, udp};
    const auto decoded = ipvs::decode_timeouts(bytes_of(ipvs::encode(config)));
    RC_ASSERT(decoded.has_value());
    RC_ASSERT(*decoded == config);
  }));
}
