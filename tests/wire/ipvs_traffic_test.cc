// What IPVS counts, as recorded and as somebody hostile would send it.
#include <doctest/doctest.h>
#include <linux/ip_vs.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "backends/ipvs/codec.h"
#include "backends/ipvs/traffic.h"
#include "backends/netlink/attributes.h"
#include "tests/unit/netlink/bytes.h"
#include "tests/wire/ipvs_support.h"

using namespace twobox;
using namespace twobox::ipvs_wire;

namespace {

using netlink::attribute;

template <typename T>
Bytes number(unsigned type, T value) {
  Bytes payload;
  netlink::append(payload, value);
  return attribute(type, payload);
}

Bytes joined(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

template <typename Count>
Bytes counters(Count connections, Count in, Count out) {
  return joined({number(IPVS_STATS_ATTR_CONNS, connections), number(IPVS_STATS_ATTR_INPKTS, in),
                 number(IPVS_STATS_ATTR_OUTPKTS, out),
                 number(IPVS_STATS_ATTR_INBYTES, std::uint64_t{5'000'000'000}),
                 number(IPVS_STATS_ATTR_OUTBYTES, std::uint64_t{6'000'000'000})});
}

/// A recorded message whose nest `type` is replaced: `drop` leaves it, `add` is put at its end.
Bytes with_stats(const Bytes& message, std::uint16_t outer, std::initializer_list<unsigned> drop,
                 const Bytes& add) {
  constexpr std::size_t kHeaders = NLMSG_HDRLEN + 4;
  const auto attributes = netlink::attribute_list(netlink::MessageView(message).subspan(kHeaders));
  REQUIRE(attributes.has_value());
  const auto inner = netlink::attribute_list(attributes->front().bytes());
  REQUIRE(inner.has_value());
  Bytes nest;
  for (const auto& view : *inner) {
    if (std::ranges::find(drop, unsigned{view.type()}) != drop.end()) continue;
    const Bytes copy = attribute(view.type(), Bytes(view.bytes().begin(), view.bytes().end()));
    nest.insert(nest.end(), copy.begin(), copy.end());
  }
  nest.insert(nest.end(), add.begin(), add.end());
  Bytes result(message.begin(), message.begin() + kHeaders);
  const Bytes whole = attribute(outer, nest);
  result.insert(result.end(), whole.begin(), whole.end());
  nlmsghdr header = netlink::header_of(result);
  header.nlmsg_len = static_cast<std::uint32_t>(result.size());
  std::memcpy(result.data(), &header, sizeof(header));
  return result;
}

Bytes service_with(const Bytes& stats) {
  return with_stats(recorded("services-6.1.hex").front(), IPVS_CMD_ATTR_SERVICE,
                    {IPVS_SVC_ATTR_STATS, IPVS_SVC_ATTR_STATS64}, stats);
}

}  // namespace

TEST_CASE("ipvs traffic: recorded services and servers have counters") {
  for (const std::string kernel : kKernels) {
    CAPTURE(kernel);
    for (const Bytes& message : recorded("services-" + kernel + ".hex")) {
      const auto traffic = ipvs::decode_service_traffic(message);
      REQUIRE(traffic.has_value());
      REQUIRE(traffic->has_value());
      CHECK((*traffic)->first == (**ipvs::decode_service(message)).first);
      CHECK((*traffic)->second == IpvsCounters{});
    }
    const IpvsServiceKey service = endpoint(Protocol::kTcp, "172.16.0.30", 80);
    for (const Bytes& message : recorded("servers-" + kernel + ".hex"))
      CHECK(ipvs::decode_server_traffic(message, service).has_value());
  }
}

TEST_CASE("ipvs traffic: 64 bits where there are, else 32") {
  const Bytes wide = attribute(
      IPVS_SVC_ATTR_STATS64, counters<std::uint64_t>(5'000'000'001, 5'000'000'002, 5'000'000'003));
  const Bytes narrow = attribute(IPVS_SVC_ATTR_STATS, counters<std::uint32_t>(1, 2, 3));
  const auto both = ipvs::decode_service_traffic(service_with(joined({narrow, wide})));
  REQUIRE(both.has_value());
  CHECK((*both)->second ==
        IpvsCounters{5'000'000'001, 5'000'000'002, 5'000'000'003, 5'000'000'000, 6'000'000'000});
  const auto old = ipvs::decode_service_traffic(service_with(narrow));
  REQUIRE(old.has_value());
  CHECK((*old)->second == IpvsCounters{1, 2, 3, 5'000'000'000, 6'000'000'000});
}

TEST_CASE("ipvs traffic: missing counters and wrong sizes are errors") {
  const Bytes narrow_in_wide = attribute(IPVS_SVC_ATTR_STATS64, counters<std::uint32_t>(1, 2, 3));
  for (const Bytes& stats : {Bytes{}, attribute(IPVS_SVC_ATTR_STATS64, {}), narrow_in_wide}) {
    const auto traffic = ipvs::decode_service_traffic(service_with(stats));
    REQUIRE_FALSE(traffic.has_value());
    CHECK(traffic.error().errno_value == EBADMSG);
  }
  const Bytes whole =
      service_with(attribute(IPVS_SVC_ATTR_STATS64, counters<std::uint64_t>(1, 2, 3)));
  for (std::size_t length = NLMSG_HDRLEN; length < whole.size(); ++length)
    CHECK_FALSE(ipvs::decode_service_traffic(netlink::MessageView(whole).first(length)));
}

TEST_CASE("ipvs traffic: a real server's connections") {
  // The first has a forwarding method that a document has no word for.
  const Bytes message =
      with_stats(recorded("servers-6.1.hex").back(), IPVS_CMD_ATTR_DEST,
                 {IPVS_DEST_ATTR_ACTIVE_CONNS, IPVS_DEST_ATTR_INACT_CONNS, IPVS_DEST_ATTR_STATS,
                  IPVS_DEST_ATTR_STATS64},
                 joined({number(IPVS_DEST_ATTR_ACTIVE_CONNS, std::uint32_t{7}),
                         number(IPVS_DEST_ATTR_INACT_CONNS, std::uint32_t{9}),
                         attribute(IPVS_DEST_ATTR_STATS64, counters<std::uint64_t>(16, 2, 3))}));
  const IpvsServiceKey service = endpoint(Protocol::kTcp, "172.16.0.30", 80);
  const auto traffic = ipvs::decode_server_traffic(message, service);
  REQUIRE(traffic.has_value());
  REQUIRE(traffic->has_value());
  CHECK((*traffic)->second.active_connections == 7);
  CHECK((*traffic)->second.inactive_connections == 9);
  CHECK((*traffic)->second.counters.connections == 16);
}
