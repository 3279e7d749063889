// Wakes when the kernel announces a change of links, addresses, interface settings or nftables.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
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
  bool overrun = false;             // messages were lost: anything may have changed

  bool any() const { return links_or_addresses || interface_settings || nftables || overrun; }
  friend bool operator==(const KernelWake&, const KernelWake&) = default;
};

/// IPVS announces nothing; sysctls have SysctlWatch. Not thread-safe.
class KernelEvents {
 public:
  /// Changes made through netlink sockets with the ports `own_ports` (never 0, the kernel's) do not
  /// wake; those sockets must stay open as long as this, lest others get their ports. (The process
  /// id in nftables' generation messages would not do: it is the thread's, as seen from the first
  /// pid namespace, so in a container it is not the one we know.)
  /// Errors: kTransport with errno; kUnavailable (EPERM) without CAP_NET_ADMIN. A kernel without
  /// nftables is no error: there is then nothing to hear of it.
  static Result<KernelEvents> open(std::set<std::uint32_t> own_ports = {});

  /// One or two descriptors, readable when messages wait.
  std::vector<int> fds() const;

  /// Reads what waits, up to some thousand messages (the descriptors then stay readable), and says
  /// what of it matters; never blocks.
  KernelWake drain();

 private:
  struct Source {
    netlink::FileDescriptor socket;
    int protocol;
  };

  KernelEvents(std::vector<Source> sources, std::set<std::uint32_t> own_ports)
      : sources_(std::move(sources)), own_ports_(std::move(own_ports)) {}
  void drain(const Source& source, KernelWake& wake);
  void read_datagram(const Source& source, netlink::MessageView rest, KernelWake& wake) const;

  std::vector<Source> sources_;
  std::set<std::uint32_t> own_ports_;
  std::vector<std::byte> buffer_ = std::vector<std::byte>(64 * 1024);
};

}  // namespace twobox
