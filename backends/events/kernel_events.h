// Wakes when the kernel announces a change of links, addresses, interface settings or nftables.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "backends/netlink/handles.h"
#include "backends/netlink/socket.h"
#include "schema/error.h"

namespace twobox {

/// What woke us. Contents of messages are never used as state.
struct KernelWake {
  bool links_or_addresses = false;
  bool interface_settings = false;  // the few sysctls whose changes rtnetlink announces
  bool nftables = false;            // our table
  bool other_tables = false;        // chains or rules of other nftables tables
  bool ipvs_module = false;         // ip_vs came or went
  bool overrun = false;             // messages were lost: anything may have changed

  friend bool operator==(const KernelWake&, const KernelWake&) = default;
};

/// The netlink ports this process changes the kernel through. A port says who only among the
/// sockets of one protocol. Absent: every change is somebody else's.
struct OwnPorts {
  std::optional<std::uint32_t> route;
  std::optional<std::uint32_t> netfilter;
};

/// Of IPVS only the module's coming and going is announced; for the rest there is IpvsWatch, and
/// for sysctls SysctlWatch. Not thread-safe.
class KernelEvents {
 public:
  /// Changes made through `own` do not wake, save those of IPv6 addresses: the kernel does not say
  /// who made them (net/ipv6/addrconf.c, inet6_ifa_notify). The sockets must stay open as long as
  /// this, lest others get their ports.
  /// Errors: kTransport with errno; kUnavailable (EPERM) without CAP_NET_ADMIN. A kernel without
  /// nftables is no error: there is then nothing to hear of it.
  static Result<KernelEvents> open(const OwnPorts& own = {});

  /// Up to three descriptors, readable when messages wait.
  std::vector<int> fds() const;

  /// Reads what waits, up to some thousand messages (the descriptors then stay readable), and says
  /// what of it matters; never blocks.
  KernelWake drain();

 private:
  struct Source {
    netlink::FileDescriptor socket;
    int protocol;
    std::optional<std::uint32_t> own_port;
  };

  explicit KernelEvents(std::vector<Source> sources) : sources_(std::move(sources)) {}
  void drain(const Source& source, KernelWake& wake);
  static void read_datagram(const Source& source, netlink::MessageView rest, KernelWake& wake);

  std::vector<Source> sources_;
  std::vector<std::byte> buffer_ = std::vector<std::byte>(std::size_t{64} * 1024);
};

}  // namespace twobox
