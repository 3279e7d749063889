// Addresses on interfaces, over rtnetlink.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "backends/address/codec.h"
#include "backends/address/settings.h"
#include "backends/netlink/socket.h"
#include "reconciler/backend.h"
#include "reconciler/objects.h"
#include "schema/error.h"

namespace twobox {

/// The links and addresses of one network namespace. Keeps no memory of earlier calls; not
/// thread-safe.
class AddressBackend {
 public:
  /// Error: kTransport if there is no NETLINK_ROUTE socket to be had.
  static Result<AddressBackend> open();

  /// Replaces kernel.addresses, `links` and `settings` by what the kernel has now; on an error
  /// none of them changes. Interfaces whose name no document can hold are left out, with their
  /// addresses. Errors: kTransport, kTornDump.
  Status observe(KernelState& kernel, std::map<InterfaceName, Link>& links,
                 SettingsByInterface& settings);

  /// One outcome per change, in order. Only AddressChange is understood (others: kBug).
  ///
  /// Creating what exists edits it; deleting what is gone succeeds. The interface's index is asked
  /// for with each change, so a re-created interface is never mistaken for the old one.
  /// Errors: kUnavailable if the interface does not exist, without CAP_NET_ADMIN (EPERM), or if
  /// deleting would take others along that `changes` do not delete (EBUSY); kKernelRefused with the
  /// kernel's errno and words. The address is then unchanged, save that an IPv6 duplicate
  /// (dad_failed) may be gone: only adding anew clears it.
  std::vector<Status> apply(std::span<const Change> changes);

  /// Of the netlink socket that changes go through; see KernelEvents.
  std::uint32_t port() const { return socket_.port(); }

 private:
  explicit AddressBackend(netlink::Socket socket) : socket_(std::move(socket)) {}

  Status apply_one(const AddressChange& change);
  Status add(const AddressKey& key, const AddressConfig& config, std::uint32_t index);
  Status edit(const AddressKey& key, const AddressConfig& config, std::uint32_t index);
  Status make_replaceable(const AddressKey& key, std::uint32_t index);
  Status remove(const AddressKey& key, const address::LinkRecord& link);
  Status send(const netlink::MessageHandle& message);
  Status send_deletion(const address::AddressRecord& record);
  Result<std::optional<address::LinkRecord>> find_link(const InterfaceName& name);
  Result<std::vector<address::LinkRecord>> list_links();
  Result<std::vector<address::AddressRecord>> list_addresses();

  netlink::Socket socket_;
};

}  // namespace twobox
