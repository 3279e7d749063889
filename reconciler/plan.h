// Desired and observed state -> an ordered list of changes. Pure. The order of all changes stands
// here, in one table.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/backend.h"
#include "reconciler/objects.h"
#include "reconciler/ownership.h"
#include "reconciler/resolve.h"

namespace twobox {

/// The table of order: a plan's steps run phase by phase, top to bottom. No prefix of a plan may
/// open the loop (a node that schedules what the master forwarded) or a black hole (a VIP nobody
/// serves).
enum class Phase : std::uint8_t {
  kHoldSysctls,  // before the addresses and services that rely on them
  kPark,         // the VIP on lo, by which a node takes what a peer forwards
  kBypassOn,     // a node stops scheduling what peers forward, before it has anything to schedule
  kServices,     // services, then their real servers, so that a director ...
  kServers,      // ... has all it needs
  kTimeouts,
  kMarksOn,      // a mark leads to its service, so not before that is complete
  kServersGone,  // what is no longer asked for, while its bypass still holds, ...
  kServicesGone,
  kSyncMaster,          // the connection table is sent on before traffic comes
  kBypassOff,           // a director starts to balance: its services are complete
  kVipOff,              // gives the address up; its bypass is on already
  kVipOn,               // takes the address; everything behind it is ready. Announced at once
  kSyncBackup,          // what is left of the sync daemons
  kBypassGone,          // ... and one scheme only after the other has taken its place
  kRetiredAddressGone,  // a VIP that left the document is served to the last
  kReleaseSysctls,      // values that only mattered while the above existed
};
std::string_view to_string(Phase phase);

struct Step {
  Phase phase;
  Change change;
  std::string reason;
  friend bool operator==(const Step&, const Step&) = default;
};

struct Plan {
  std::vector<Step> steps;
  std::vector<ForeignObject> foreign;
  bool in_sync() const { return steps.empty(); }
  friend bool operator==(const Plan&, const Plan&) = default;
};

/// Services of IPVS that may be other than desired, they or their real servers. Absent: any may.
using ServicesInQuestion = std::optional<std::set<IpvsServiceKey>>;

/// The smallest set of changes that brings `observed` to `desired`, in a safe order. Objects that
/// `record` does not claim and the document does not name are left alone. Services that are not in
/// question are not looked at.
Plan make_plan(const DesiredState& desired, const ObservedState& observed,
               const OwnershipRecord& record, const ServicesInQuestion& in_question = {});

}  // namespace twobox
