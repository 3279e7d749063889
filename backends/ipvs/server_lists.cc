#include "backends/ipvs/server_lists.h"

#include <arpa/inet.h>
#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "backends/ipvs/codec.h"
#include "schema/ip_protocol.h"

namespace twobox::ipvs {
namespace {

/// What the kernel has not filled keeps these flags, which no server has.
constexpr ip_vs_dest_entry kUnfilled{0, 0, ~0U, 0, 0, 0, 0, 0, 0, {}};

__be32 ipv4_of(const IpAddress& address) {
  __be32 bytes = 0;
  std::memcpy(&bytes, address.bytes().data(), sizeof(bytes));
  return bytes;
}

/// Names the service in one of the kernel's structures; they share these four.
template <typename Request>
void name_service(Request& request, const IpvsServiceKey& service) {
  if (const auto* const mark = std::get_if<FirewallMark>(&service)) {
    request.fwmark = mark->mark;
    return;
  }
  const auto& endpoint = std::get<Endpoint>(service);
  request.protocol = ip_protocol(endpoint.protocol);
  request.addr = ipv4_of(endpoint.address);
  request.port = htons(endpoint.port);
}

/// False if the kernel refuses or gives another size than was asked for.
bool ask(int fd, int what, void* answer, std::size_t size) {
  auto length = static_cast<socklen_t>(size);
  return ::getsockopt(fd, IPPROTO_IP, what, answer, &length) == 0 && length == size;
}

/// Absent unless there are exactly `count`. There is room for one more, so that one that has come
/// meanwhile is noticed; one of another family is counted and not listed.
/// (ip_vs_ctl.c, __ip_vs_get_dest_entries)
std::optional<std::vector<ip_vs_dest_entry>> read_entries(int fd, const IpvsServiceKey& service,
                                                          std::size_t count) {
  ip_vs_get_dests head{};
  name_service(head, service);
  head.num_dests = static_cast<unsigned>(count + 1);
  std::vector<ip_vs_dest_entry> entries(count + 1, kUnfilled);
  std::vector<std::byte> answer(sizeof(head) + (count + 1) * sizeof(ip_vs_dest_entry));
  std::byte* const list = answer.data() + sizeof(head);
  std::memcpy(answer.data(), &head, sizeof(head));
  std::memcpy(list, entries.data(), answer.size() - sizeof(head));
  if (!ask(fd, IP_VS_SO_GET_DESTS, answer.data(), answer.size())) return std::nullopt;
  std::memcpy(entries.data(), list, answer.size() - sizeof(head));

  const auto is_filled = [](const ip_vs_dest_entry& entry) {
    return entry.conn_flags != kUnfilled.conn_flags;
  };
  if (!std::ranges::all_of(std::span(entries).first(count), is_filled) || is_filled(entries.back()))
    return std::nullopt;
  entries.pop_back();
  return entries;
}

bool is_tunnel(const ip_vs_dest_entry& entry) {
  return (entry.conn_flags & IP_VS_CONN_F_FWD_MASK) == IP_VS_CONN_F_TUNNEL;
}

}  // namespace

ServerLists::ServerLists() : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {}

std::optional<std::map<RealServerKey, RealServerConfig>> ServerLists::read(
    const IpvsServiceKey& service) const {
  if (family_of(service) != AddressFamily::kIpv4) return std::nullopt;
  ip_vs_service_entry about{};
  name_service(about, service);
  if (!ask(socket_.get(), IP_VS_SO_GET_SERVICE, &about, sizeof(about))) return std::nullopt;
  const auto entries = read_entries(socket_.get(), service, about.num_dests);
  if (!entries) return std::nullopt;

  std::map<RealServerKey, RealServerConfig> servers;
  for (const ip_vs_dest_entry& entry : *entries) {
    if (is_tunnel(entry)) return std::nullopt;
    if (auto server = decode_server(entry, service)) servers.insert(*std::move(server));
  }
  return servers;
}

std::optional<std::size_t> ServerLists::count_services() const {
  ip_vs_getinfo info{};
  if (!ask(socket_.get(), IP_VS_SO_GET_INFO, &info, sizeof(info))) return std::nullopt;
  return info.num_services;
}

}  // namespace twobox::ipvs
