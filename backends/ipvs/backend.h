// The IPVS part of a network namespace.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "backends/ipvs/family.h"
#include "backends/ipvs/server_lists.h"
#include "backends/netlink/socket.h"
#include "reconciler/objects.h"
#include "reconciler/traffic.h"
#include "schema/error.h"

namespace twobox {

/// IPVS of the network namespace in which it was opened. Reading needs CAP_NET_ADMIN too, and in
/// the initial user namespace.
///
/// ip_vs may be loaded and unloaded while this lives. Not thread-safe.
class IpvsBackend {
 public:
  /// Error: kTransport when this kernel has no generic netlink.
  static Result<IpvsBackend> open();

  /// Replaces the four IPVS maps of `state`. Without ip_vs they are empty and `loaded` is false;
  /// nothing is loaded for the sake of looking.
  /// Errors: kTornDump when other programs changed services during every attempt; kUnavailable
  /// (EPERM) without CAP_NET_ADMIN; kTransport. `state` is then unchanged.
  Status observe(KernelState& state, bool& loaded);

  /// The same for these services and their real servers alone; all else in `state` stays.
  Status observe_services(const std::set<IpvsServiceKey>& keys, KernelState& state, bool& loaded);

  /// Services and real servers alone, with what was counted; empty without ip_vs. Errors: as
  /// observe(), but kTornDump at once: whoever plots reads again soon.
  Result<Traffic> observe_traffic();

  /// Carries out changes of services, real servers, sync daemons and timeouts in order, and says
  /// for each how it went. Loads ip_vs and schedulers when something is to be created. Creating
  /// what exists edits it, editing what is gone creates it, deleting what is gone succeeds.
  std::vector<Status> apply(std::span<const Change> changes);

 private:
  /// A change and the commands still to be sent for it.
  struct Pending {
    std::size_t index;  // in the changes given to apply()
    std::vector<std::uint8_t> commands;
  };

  explicit IpvsBackend(netlink::Socket socket) : socket_(std::move(socket)) {}

  Result<std::optional<std::uint16_t>> load_family();
  void load_schedulers(std::span<const Change> changes);
  Result<std::vector<netlink::MessageHandle>> encode(const Change& change, const Pending& pending,
                                                     std::uint16_t family) const;
  std::vector<Pending> send(std::span<const Change> changes, std::span<const Pending> part,
                            std::uint16_t family, std::vector<Status>& outcomes);
  Error explain(Error refusal, const Change& change, std::uint8_t command) const;

  netlink::Socket socket_;
  ipvs::FamilyNumber family_;
  ipvs::ServerLists lists_;
  std::map<std::string, Error> missing_schedulers_;  // by name: why the module could not be loaded
};

}  // namespace twobox
