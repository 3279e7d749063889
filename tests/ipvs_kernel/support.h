// One IPVS kernel for all tests of this program; each test begins with it empty.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "backends/ipvs/backend.h"
#include "reconciler/objects.h"

namespace twobox::ipvs_kernel {

IpAddress ip(std::string_view text);
InterfaceName interface(std::string_view name);

IpvsServiceKey tcp(std::string_view address, std::uint16_t port = 80);
IpvsServiceKey udp(std::string_view address, std::uint16_t port = 80);
IpvsServiceKey sctp(std::string_view address, std::uint16_t port = 80);
IpvsServiceKey mark4(std::uint32_t mark);
IpvsServiceKey mark6(std::uint32_t mark);

/// Without persistence and flags.
IpvsServiceConfig scheduled_by(std::string_view scheduler);

/// Services and daemons are gone.
void empty_ipvs();

/// The IPVS maps of a KernelState, and what turns one into another.
class Kernel {
 public:
  /// Empties IPVS: services, daemons.
  Kernel();

  KernelState observe();
  std::vector<Status> apply(const std::vector<Change>& changes);
  /// A single change.
  template <typename Key, typename Config>
  Status change(const Key& key, const std::optional<Config>& before,
                const std::optional<Config>& after) {
    return apply({ChangeOf<Key, Config>{key, before, after}}).front();
  }

  /// Applies what differs and checks that every change succeeds, that the kernel then has exactly
  /// `want`, and that nothing is left to do. Timeouts are left out unless `want` names them.
  void converge(KernelState want);

 private:
  IpvsBackend backend_;
};

/// The differences of the IPVS maps, services before real servers.
std::vector<Change> changes(const KernelState& want, const KernelState& have);

/// Runs a shell command and checks that it succeeds.
void run(const std::string& command);

}  // namespace twobox::ipvs_kernel
