// Which kernel objects are ours. The kernel keeps no such note for addresses and IPVS services, so
// a record is kept beside it, and it is written before a change is made: a kill between any two
// steps neither forgets what we made nor claims what we did not.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "reconciler/backend.h"
#include "reconciler/objects.h"
#include "reconciler/resolve.h"

namespace twobox {

/// What a sysctl was before we held it, and what we hold it at.
struct HeldSysctl {
  std::optional<std::string> before;  // absent: it did not exist yet
  std::string held;
  /// What we held it at until now: whoever dies before the change leaves it there.
  std::optional<std::string> replaces = {};

  /// Whether it is we who have put `live` there.
  bool explains(const std::string& live) const { return live == held || live == replaces; }
  friend bool operator==(const HeldSysctl&, const HeldSysctl&) = default;
};

/// A sync daemon sends and hears by the interface it found at its start, and the kernel does not
/// say which that was.
struct SyncDaemonStart {
  std::uint32_t interface_index = 0;  // 0: not known
  friend bool operator==(const SyncDaemonStart&, const SyncDaemonStart&) = default;
};

/// Objects made or adopted by us in one network namespace since its machine booted.
/// The nftables table `inet twobox` is ours by its name and needs no record.
struct OwnershipRecord {
  std::set<AddressKey> addresses;
  std::set<IpvsServiceKey> ipvs_services;  // a service's real servers are its own
  std::map<SyncDaemonKey, SyncDaemonStart> ipvs_daemons;
  std::map<SysctlKey, HeldSysctl> sysctls;
  friend bool operator==(const OwnershipRecord&, const OwnershipRecord&) = default;
};

/// The record for a time when `desired` is being brought about: what the old record says that still
/// exists, and everything desired.
OwnershipRecord claim(const OwnershipRecord& record, const DesiredState& desired,
                      const ObservedState& observed);

/// True for a service that twobox may remove, unless it is desired: one recorded as ours, or any if
/// the document prunes all.
bool may_remove(const IpvsServiceKey& key, const DesiredState& desired,
                const OwnershipRecord& record);

/// The part of the observed state that twobox may change or remove: what is desired, recorded as
/// ours, or in our own nftables table. Without IPVS services and real servers: these are many, so
/// they are looked at where they are, with may_remove().
KernelState managed(const ObservedState& observed, const DesiredState& desired,
                    const OwnershipRecord& record);

/// Something of other hands that concerns us: left alone, but said.
struct ForeignObject {
  std::variant<AddressKey, IpvsServiceKey, SyncDaemonKey> key;
  std::string reason;
  friend bool operator==(const ForeignObject&, const ForeignObject&) = default;
};

/// IPVS services and sync daemons that are not managed, and addresses equal to a VIP's that we
/// neither want nor made.
std::vector<ForeignObject> foreign(const ObservedState& observed, const DesiredState& desired,
                                   const OwnershipRecord& record, const KernelState& managed_state);

/// What observe() must read: sysctls, the firewall where VRRP may decide roles, and connections
/// where servers may drain.
Scope scope_of(const DesiredState& desired, const OwnershipRecord& record);

}  // namespace twobox
