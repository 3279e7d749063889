// Messages no kernel at hand sends: old ones, future ones, wrong ones.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <map>

#include "backends/ipvs/codec.h"
#include "tests/unit/netlink/bytes.h"
#include "tests/wire/ipvs_support.h"

using namespace twobox;
using namespace twobox::ipvs_wire;
using netlink::attribute;
using netlink::attribute_of;
using netlink::bytes_of_text;
using netlink::operator+;

namespace {

/// A generic netlink message with `inner` nested in `type`.
Bytes message(unsigned type, const Bytes& inner) {
  return netlink::message(0x20, NLM_F_MULTI, Bytes(4) + attribute(type, inner));
}

/// Attributes by type, so that a test can change or leave out one.
using Attributes = std::map<unsigned, Bytes>;

Bytes joined(const Attributes& attributes) {
  Bytes bytes;
  for (const auto& [type, payload] : attributes) bytes = bytes + attribute(type, payload);
  return bytes;
}

template <typename T>
Bytes raw(const T& value) {
  Bytes bytes;
  netlink::append(bytes, value);
  return bytes;
}
template <typename T>
Bytes raw16(T value) {
  return raw(static_cast<std::uint16_t>(value));
}
template <typename T>
Bytes raw32(T value) {
  return raw(static_cast<std::uint32_t>(value));
}

Attributes service() {
  return {{IPVS_SVC_ATTR_AF, raw16(AF_INET)},
          {IPVS_SVC_ATTR_PROTOCOL, raw16(IPPROTO_TCP)},
          {IPVS_SVC_ATTR_ADDR, raw32(htonl(0xac10001e)) + Bytes(12)},
          {IPVS_SVC_ATTR_PORT, raw16(htons(80))},
          {IPVS_SVC_ATTR_SCHED_NAME, bytes_of_text("wlc") + Bytes(1)},
          {IPVS_SVC_ATTR_FLAGS, raw(ip_vs_flags{IP_VS_SVC_F_HASHED, ~0U})},
          {IPVS_SVC_ATTR_TIMEOUT, raw32(0)},
          {IPVS_SVC_ATTR_NETMASK, raw32(~0U)}};
}

Attributes server() {
  return {{IPVS_DEST_ATTR_ADDR, raw32(htonl(0xac10001f)) + Bytes(12)},
          {IPVS_DEST_ATTR_PORT, raw16(htons(80))},
          {IPVS_DEST_ATTR_FWD_METHOD, raw32(IP_VS_CONN_F_DROUTE)},
          {IPVS_DEST_ATTR_WEIGHT, raw32(1)},
          {IPVS_DEST_ATTR_U_THRESH, raw32(0)},
          {IPVS_DEST_ATTR_L_THRESH, raw32(0)},
          {IPVS_DEST_ATTR_ADDR_FAMILY, raw16(AF_INET)}};
}

Attributes daemon() {
  return {{IPVS_DAEMON_ATTR_STATE, raw32(IP_VS_STATE_MASTER)},
          {IPVS_DAEMON_ATTR_MCAST_IFN, bytes_of_text("wire0") + Bytes(1)},
          {IPVS_DAEMON_ATTR_SYNC_ID, raw32(7)}};
}

auto decode_service(const Attributes& attributes) {
  return ipvs::decode_service(message(IPVS_CMD_ATTR_SERVICE, joined(attributes)));
}
auto decode_server(const Attributes& attributes) {
  return ipvs::decode_server(message(IPVS_CMD_ATTR_DEST, joined(attributes)),
                             endpoint(Protocol::kTcp, "172.16.0.30", 80));
}
auto decode_daemon(const Attributes& attributes) {
  return ipvs::decode_daemon(message(IPVS_CMD_ATTR_DAEMON, joined(attributes)));
}

Attributes with(Attributes attributes, unsigned type, const Bytes& payload) {
  attributes[type] = payload;
  return attributes;
}

void check_malformed(const auto& decoded) {
  REQUIRE_FALSE(decoded.has_value());
  CHECK(decoded.error().kind == ErrorKind::kTransport);
  CHECK(decoded.error().errno_value == EBADMSG);
}

}  // namespace

TEST_CASE("ipvs: an attribute that is missing or has the wrong size makes the message malformed") {
  REQUIRE(decode_service(service()).has_value());
  for (const auto& entry : service()) {
    const unsigned type = entry.first;
    CAPTURE(type);
    Attributes without = service();
    without.erase(type);
    check_malformed(decode_service(without));
    if (type != IPVS_SVC_ATTR_SCHED_NAME)
      check_malformed(decode_service(with(service(), type, entry.second + Bytes(1))));
  }
  REQUIRE(decode_server(server()).has_value());
  for (const auto& entry : server()) {
    const unsigned type = entry.first;
    CAPTURE(type);
    Attributes without = server();
    without.erase(type);
    if (type != IPVS_DEST_ATTR_ADDR_FAMILY) check_malformed(decode_server(without));
    check_malformed(decode_server(with(server(), type, entry.second + Bytes(1))));
  }
  REQUIRE(decode_daemon(daemon()).has_value());
  for (const auto& entry : daemon()) {
    const unsigned type = entry.first;
    CAPTURE(type);
    Attributes without = daemon();
    without.erase(type);
    check_malformed(decode_daemon(without));
  }
  check_malformed(ipvs::decode_service(message(IPVS_CMD_ATTR_DEST, {})));
  check_malformed(ipvs::decode_timeouts(
      netlink::message(0x20, 0, Bytes(4) + attribute(IPVS_CMD_ATTR_TIMEOUT_TCP, Bytes(2)))));
}

TEST_CASE("ipvs: the HASHED flag and flags of the future are not seen") {
  const auto plain = decode_service(service());
  const auto flagged =
      decode_service(with(service(), IPVS_SVC_ATTR_FLAGS, raw(ip_vs_flags{0xffffffc2, ~0U})));
  REQUIRE(plain.has_value());
  REQUIRE(flagged.has_value());
  CHECK(*plain == *flagged);
}

TEST_CASE("ipvs: timeout and netmask count only with persistence") {
  Attributes leftover = with(service(), IPVS_SVC_ATTR_TIMEOUT, raw32(300));
  leftover = with(leftover, IPVS_SVC_ATTR_NETMASK, raw32(htonl(0xff000000)));
  CHECK(*decode_service(leftover) == *decode_service(service()));
  const Attributes persistent =
      with(leftover, IPVS_SVC_ATTR_FLAGS, raw(ip_vs_flags{IP_VS_SVC_F_PERSISTENT, ~0U}));
  CHECK((*decode_service(persistent))->second.persistence == Persistence{300, 8});
}

TEST_CASE("ipvs: netmasks as prefix lengths") {
  struct Row {
    std::uint32_t mask;
    unsigned want;
  };
  const Row ipv4[] = {{0xffffffff, 32},
                      {0xffffff00, 24},
                      {0x80000000, 1},
                      {0, 0},
                      {0xff00ff00, ipvs::kNotAPrefix},
                      {0x00ffffff, ipvs::kNotAPrefix},
                      {1, ipvs::kNotAPrefix}};
  const Attributes persistent =
      with(service(), IPVS_SVC_ATTR_FLAGS, raw(ip_vs_flags{IP_VS_SVC_F_PERSISTENT, ~0U}));
  for (const Row& row : ipv4) {
    CAPTURE(row.mask);
    const auto decoded =
        decode_service(with(persistent, IPVS_SVC_ATTR_NETMASK, raw32(htonl(row.mask))));
    CHECK((*decoded)->second.persistence->prefix_length == row.want);
  }
  const Row ipv6[] = {
      {128, 128}, {64, 64}, {1, 1}, {0, 0}, {129, ipvs::kNotAPrefix}, {~0U, ipvs::kNotAPrefix}};
  for (const Row& row : ipv6) {
    CAPTURE(row.mask);
    const auto decoded = decode_service(with(with(persistent, IPVS_SVC_ATTR_AF, raw16(AF_INET6)),
                                             IPVS_SVC_ATTR_NETMASK, raw32(row.mask)));
    CHECK((*decoded)->second.persistence->prefix_length == row.want);
  }
}

TEST_CASE("ipvs: families and protocols we have no words for are passed over") {
  for (const Attributes& unknown : {with(service(), IPVS_SVC_ATTR_AF, raw16(AF_UNIX)),
                                    with(service(), IPVS_SVC_ATTR_PROTOCOL, raw16(IPPROTO_ESP))}) {
    const auto decoded = decode_service(unknown);
    REQUIRE(decoded.has_value());
    CHECK_FALSE(decoded->has_value());
  }
  const auto server_elsewhere =
      decode_server(with(server(), IPVS_DEST_ATTR_ADDR_FAMILY, raw16(AF_UNIX)));
  REQUIRE(server_elsewhere.has_value());
  CHECK_FALSE(server_elsewhere->has_value());
}

TEST_CASE("ipvs: forwarding methods") {
  struct Row {
    std::uint32_t method;
    std::optional<Forwarding> want;
  };
  const Row rows[] = {{0, Forwarding::kMasquerade},
                      {1, Forwarding::kDirect},  // an old kernel's local node
                      {2, Forwarding::kTunnel},
                      {3, Forwarding::kDirect},
                      {3 | IP_VS_CONN_F_NOOUTPUT | IP_VS_CONN_F_INACTIVE, Forwarding::kDirect},
                      {4, std::nullopt},
                      {7, std::nullopt}};
  for (const Row& row : rows) {
    CAPTURE(row.method);
    const auto decoded =
        decode_server(with(server(), IPVS_DEST_ATTR_FWD_METHOD, raw32(row.method)));
    REQUIRE(decoded.has_value());
    REQUIRE(decoded->has_value() == row.want.has_value());
    if (row.want) CHECK((*decoded)->second.forwarding == *row.want);
  }
}

TEST_CASE("ipvs: an encapsulation counts only for a tunnel, and may be absent") {
  Attributes gue = with(server(), IPVS_DEST_ATTR_TUN_TYPE, raw(std::uint8_t{1}));
  gue = with(gue, IPVS_DEST_ATTR_TUN_PORT, raw16(htons(6080)));
  CHECK((*decode_server(gue))->second.tunnel == TunnelEncapsulation{});
  gue = with(gue, IPVS_DEST_ATTR_FWD_METHOD, raw32(IP_VS_CONN_F_TUNNEL));
  CHECK((*decode_server(gue))->second.tunnel == TunnelEncapsulation{1, 6080, 0});
}

TEST_CASE("ipvs: without a family of its own a real server has its service's (before 3.18)") {
  Attributes old = server();
  old.erase(IPVS_DEST_ATTR_ADDR_FAMILY);
  CHECK((*decode_server(old))->first.address == ip("172.16.0.31"));
  const auto ipv6 = ipvs::decode_server(message(IPVS_CMD_ATTR_DEST, joined(old)),
                                        FirewallMark{AddressFamily::kIpv6, 1});
  CHECK((*ipv6)->first.address == ip("ac10:1f::"));
}

TEST_CASE("ipvs: a daemon of a kernel before 4.3 has the defaults it does not report") {
  const auto decoded = decode_daemon(daemon());
  REQUIRE(decoded.has_value());
  CHECK((*decoded)->second ==
        SyncDaemonConfig{*InterfaceName::parse("wire0"), 7, 0, ip("224.0.0.81"), 8848, 1});
}

TEST_CASE("ipvs: daemons that can't be") {
  check_malformed(decode_daemon(with(daemon(), IPVS_DAEMON_ATTR_STATE, raw32(3))));
  check_malformed(decode_daemon(with(daemon(), IPVS_DAEMON_ATTR_MCAST_IFN, bytes_of_text("a/b"))));
  const auto far = decode_daemon(with(daemon(), IPVS_DAEMON_ATTR_SYNC_ID, raw32(256)));
  REQUIRE(far.has_value());
  CHECK_FALSE(far->has_value());
}

TEST_CASE("ipvs quirks: an entry of getsockopt()'s list, whatever the kernel adds to its flags") {
  const IpvsServiceKey service = Endpoint{*IpAddress::parse("172.16.0.30"), Protocol::kTcp, 80};
  const std::pair<unsigned, std::optional<Forwarding>> rows[] = {
      {IP_VS_CONN_F_MASQ, Forwarding::kMasquerade},
      {IP_VS_CONN_F_LOCALNODE, Forwarding::kDirect},
      {IP_VS_CONN_F_TUNNEL, Forwarding::kTunnel},
      {IP_VS_CONN_F_DROUTE | IP_VS_CONN_F_NOOUTPUT | IP_VS_CONN_F_INACTIVE, Forwarding::kDirect},
      {IP_VS_CONN_F_BYPASS, std::nullopt},
  };
  for (const auto& [flags, forwarding] : rows) {
    CAPTURE(flags);
    ip_vs_dest_entry entry{};
    entry.addr = inet_addr("172.16.0.31");
    entry.port = htons(8080);
    entry.conn_flags = flags;
    entry.weight = 0x7fffffff;
    entry.u_threshold = 200;
    entry.l_threshold = 100;
    const auto server = ipvs::decode_server(entry, service);
    REQUIRE(server.has_value() == forwarding.has_value());
    if (!server) continue;
    CHECK(server->first == RealServerKey{service, *IpAddress::parse("172.16.0.31"), 8080});
    CHECK(server->second == RealServerConfig{*forwarding, 0x7fffffff, 200, 100, {}});
  }
}
