#include "backends/packet/socket.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

namespace twobox {
namespace {

/// More than fit into a socket's default buffer.
constexpr std::size_t kMostWaiting = 4096;

Error failed(const std::string& doing) {
  const int errno_value = errno;
  const bool forbidden = errno_value == EPERM || errno_value == EACCES;
  return {forbidden ? ErrorKind::kUnavailable : ErrorKind::kTransport, errno_value,
          doing + ": " + std::strerror(errno_value) + (forbidden ? " (needs CAP_NET_RAW)" : "")};
}

template <typename T>
bool set_option(const FileDescriptor& socket, int level, int option, const T& value) {
  return ::setsockopt(socket.get(), level, option, &value, sizeof(value)) == 0;
}

bool attach(const FileDescriptor& socket, std::span<const sock_filter> program) {
  // The kernel only reads it.
  const sock_fprog filter{static_cast<unsigned short>(program.size()),
                          const_cast<sock_filter*>(program.data())};
  return set_option(socket, SOL_SOCKET, SO_ATTACH_FILTER, filter);
}

}  // namespace

Result<PacketSocket> PacketSocket::open() {
  // Protocol 0: nothing comes before the filter is in place.
  FileDescriptor socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.is_open()) return failed("open a packet socket");
  const sock_filter nothing[] = {{BPF_RET | BPF_K, 0, 0, 0}};
  if (!attach(socket, nothing) || !set_option(socket, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1))
    return failed("set up a packet socket");
  sockaddr_ll everywhere{};
  everywhere.sll_family = AF_PACKET;
  everywhere.sll_protocol = htons(ETH_P_ALL);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&everywhere), sizeof(everywhere)) != 0)
    return failed("bind a packet socket");
  return PacketSocket(std::move(socket));
}

Status PacketSocket::set_filter(std::span<const sock_filter> program) {
  if (!attach(socket_, program)) return failed("attach a filter to a packet socket");
  receive(kMostWaiting, [](FrameBytes, int) {});
  return success();
}

void PacketSocket::receive(std::size_t limit,
                           const std::function<void(FrameBytes, int)>& on_frame) {
  std::array<std::uint8_t, 2048> buffer{};
  for (std::size_t frames = 0; frames < limit; ++frames) {
    sockaddr_ll from{};
    socklen_t length = sizeof(from);
    const ssize_t bytes = ::recvfrom(socket_.get(), buffer.data(), buffer.size(), 0,
                                     reinterpret_cast<sockaddr*>(&from), &length);
    // ENETDOWN says once that an interface went down; nothing is lost by it.
    // (net/packet/af_packet.c)
    if (bytes < 0 && (errno == ENETDOWN || errno == EINTR)) continue;
    if (bytes < 0) return;
    on_frame({buffer.data(), static_cast<std::size_t>(bytes)}, from.sll_ifindex);
  }
}

Status PacketSocket::send(FrameBytes frame, int interface_index) {
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_ifindex = interface_index;
  to.sll_halen = ETH_ALEN;
  std::memcpy(&to.sll_protocol, frame.data() + std::size_t{2} * ETH_ALEN, sizeof(to.sll_protocol));
  std::memcpy(to.sll_addr, frame.data(), ETH_ALEN);
  const ssize_t sent = ::sendto(socket_.get(), frame.data(), frame.size(), 0,
                                reinterpret_cast<const sockaddr*>(&to), sizeof(to));
  if (sent < 0) return failed("send a frame");
  return success();
}

std::uint64_t PacketSocket::count_taken() {
  tpacket_stats counts{};
  socklen_t length = sizeof(counts);
  // Reading sets them to zero; packets include drops. (net/packet/af_packet.c, packet_getsockopt)
  if (::getsockopt(socket_.get(), SOL_PACKET, PACKET_STATISTICS, &counts, &length) != 0) return 0;
  return counts.tp_packets;
}

}  // namespace twobox
