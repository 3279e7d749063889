#include "backends/ipvs/traffic.h"

#include <linux/genetlink.h>
#include <linux/ip_vs.h>

#include "backends/ipvs/codec.h"
#include "backends/netlink/attributes.h"
#include "reconciler/describe.h"

namespace twobox::ipvs {
namespace {

using netlink::AttributeTable;
using netlink::AttributeView;
using netlink::MessageView;

Result<AttributeTable> nested(MessageView message, std::uint16_t type, std::uint16_t highest) {
  const auto payload = netlink::attributes_of(message, GENL_HDRLEN);
  if (!payload) return payload.error();
  const auto outer = AttributeTable::parse(*payload, IPVS_CMD_ATTR_MAX);
  if (!outer) return outer.error();
  return AttributeTable::parse((*outer)[type].bytes(), highest);
}

/// Numbers that must all be there.
class Numbers {
 public:
  explicit Numbers(const AttributeTable& table) : table_(table) {}

  template <typename T>
  T get(std::uint16_t type) {
    const auto value = table_[type].as<T>();
    if (value) return *value;
    if (!error_) error_ = value.error();
    return 0;
  }
  const std::optional<Error>& error() const { return error_; }

 private:
  const AttributeTable& table_;
  std::optional<Error> error_;
};

/// `Count` is the width of what counts connections and packets; bytes have 64 bits in both forms.
template <typename Count>
Result<IpvsCounters> counters_in(const AttributeView& nest) {
  const auto table = AttributeTable::parse(nest.bytes(), IPVS_STATS_ATTR_MAX);
  if (!table) return table.error();
  Numbers numbers(*table);
  const IpvsCounters counters{.connections = numbers.get<Count>(IPVS_STATS_ATTR_CONNS),
                              .packets_in = numbers.get<Count>(IPVS_STATS_ATTR_INPKTS),
                              .packets_out = numbers.get<Count>(IPVS_STATS_ATTR_OUTPKTS),
                              .bytes_in = numbers.get<std::uint64_t>(IPVS_STATS_ATTR_INBYTES),
                              .bytes_out = numbers.get<std::uint64_t>(IPVS_STATS_ATTR_OUTBYTES)};
  if (numbers.error()) return *numbers.error();
  return counters;
}

/// Kernels before 4.1 have only the narrow form.
Result<IpvsCounters> counters_of(const AttributeView& wide, const AttributeView& narrow) {
  if (wide.present()) return counters_in<std::uint64_t>(wide);
  return counters_in<std::uint32_t>(narrow);
}

/// Dumps into `map` what `decode` makes of each message.
template <typename Map, typename Decode>
Status read_into(Map& map, netlink::Socket& socket, std::uint16_t family,
                 const Result<netlink::MessageHandle>& request, Decode decode) {
  if (!request) return request.error();
  nlmsghdr* const header = nlmsg_hdr(request->get());
  header->nlmsg_type = family;
  Map objects;
  const Status read = socket.dump(
      header, [&] { objects.clear(); },
      [&](MessageView message) -> Status {
        const auto object = decode(message);
        if (!object) return object.error();
        if (*object) objects.insert(**object);
        return success();
      });
  map.merge(objects);
  return read;
}

}  // namespace

Result<std::optional<std::pair<IpvsServiceKey, IpvsCounters>>> decode_service_traffic(
    MessageView message) {
  using Service = std::pair<IpvsServiceKey, IpvsCounters>;
  const auto service = decode_service(message);
  if (!service) return service.error();
  if (!*service) return std::optional<Service>();
  const auto table = nested(message, IPVS_CMD_ATTR_SERVICE, IPVS_SVC_ATTR_MAX);
  if (!table) return table.error();
  const auto counters = counters_of((*table)[IPVS_SVC_ATTR_STATS64], (*table)[IPVS_SVC_ATTR_STATS]);
  if (!counters) return counters.error();
  return std::optional(Service((*service)->first, *counters));
}

Result<std::optional<std::pair<RealServerKey, RealServerTraffic>>> decode_server_traffic(
    MessageView message, const IpvsServiceKey& service) {
  using Server = std::pair<RealServerKey, RealServerTraffic>;
  const auto server = decode_server(message, service);
  if (!server) return server.error();
  if (!*server) return std::optional<Server>();
  const auto table = nested(message, IPVS_CMD_ATTR_DEST, IPVS_DEST_ATTR_MAX);
  if (!table) return table.error();
  const auto counters =
      counters_of((*table)[IPVS_DEST_ATTR_STATS64], (*table)[IPVS_DEST_ATTR_STATS]);
  if (!counters) return counters.error();
  Numbers numbers(*table);
  const RealServerTraffic traffic{*counters,
                                  numbers.get<std::uint32_t>(IPVS_DEST_ATTR_ACTIVE_CONNS),
                                  numbers.get<std::uint32_t>(IPVS_DEST_ATTR_INACT_CONNS)};
  if (numbers.error()) return *numbers.error();
  return std::optional(Server((*server)->first, traffic));
}

Result<Traffic> read_traffic(netlink::Socket& socket, std::uint16_t family) {
  Traffic traffic;
  if (const Status read = read_into(traffic.services, socket, family,
                                    encode(Command{IPVS_CMD_GET_SERVICE}), decode_service_traffic);
      !read)
    return with_context(read.error(), "read traffic of IPVS services");
  for (const auto& [service, counters] : traffic.services) {
    const auto decode = [&key = service](MessageView message) {
      return decode_server_traffic(message, key);
    };
    if (const Status read = read_into(traffic.servers, socket, family,
                                      encode(IPVS_CMD_GET_DEST, service, std::nullopt), decode);
        !read)
      return with_context(read.error(), "read traffic of " + key_text(service));
  }
  return traffic;
}

}  // namespace twobox::ipvs
