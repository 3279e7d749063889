// What the daemon knows about itself, as one value that can be handed to any thread.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "reconciler/history.h"
#include "reconciler/moment.h"
#include "reconciler/reconcile.h"
#include "reconciler/roles.h"
#include "reconciler/server_status.h"

namespace twobox {

/// As in Kubernetes: by type, true or false, with a reason in CamelCase and a sentence.
struct Condition {
  bool holds = false;
  std::string reason;
  std::string message;
  WallTime since;
};

struct VipStatus {
  Role role = Role::kBackup;
  std::string source;  // who decides: VipRole
  WallTime since;
};

struct LastPass {
  WallTime at;
  std::chrono::microseconds duration{0};
  std::size_t changes = 0;
  std::optional<std::string> error;
};

struct RefusalStatus {
  std::string object;
  Error error;
  unsigned failures = 0;
  WallTime since;
  WallTime next_attempt;
};

/// A document that is in force until it is confirmed. Documents are told by their ETags.
struct ConfirmationStatus {
  std::string document;
  std::string reverts_to;
  WallTime since;
  WallTime until;
};

/// Upper bounds, in seconds, of the classes that passes are counted in by their duration; those
/// above the last have a class of their own.
constexpr std::array<double, 10> kPassDurationBounds = {0.001, 0.0025, 0.005, 0.01, 0.025,
                                                        0.05,  0.1,    0.25,  0.5,  1.0};

struct ChangeClass {
  std::string kind;
  std::string action;
  Cause cause;
  friend auto operator<=>(const ChangeClass&, const ChangeClass&) = default;
};

/// Counted since the daemon's start.
struct Totals {
  std::uint64_t passes_noop = 0;     // nothing was to be done
  std::uint64_t passes_success = 0;  // all that was to be done was done
  std::uint64_t passes_error = 0;    // something was left, or the kernel could not be read
  std::array<std::uint64_t, kPassDurationBounds.size() + 1> passes_by_duration{};
  std::chrono::microseconds passes_duration{0};
  std::map<ChangeClass, std::uint64_t> changes;  // carried out
  std::uint64_t netlink_overruns = 0;   // events the kernel dropped: a pass was made anyway
  std::uint64_t state_file_errors = 0;  // the state directory could not be written
  std::uint64_t loop_packets = 0;       // came for VIPs with few hops left
};

/// How many changes the status shows; the history has more.
constexpr std::size_t kShownChanges = 100;

struct StatusReport {
  NodeName node;  // "" until known
  std::string document_path;
  std::string document_source;            // who may change it: "file", "api", "file and api"
  std::uint64_t generation = 0;           // of the document in force; 0: none yet
  std::uint64_t observed_generation = 0;  // the one the last converged pass held
  std::map<VipName, VipStatus> vips;
  std::map<std::string, Condition> conditions;  // by type, such as "Ready"
  std::optional<LastPass> last_pass;
  std::optional<WallTime> last_sync;  // end of the last pass that left nothing undone
  std::vector<RefusalStatus> refused;
  std::vector<std::string> missing;  // what the last pass left undone
  std::vector<ForeignObject> foreign;
  /// Never null. Of it the status shows the newest changes that were made.
  std::shared_ptr<const History> history = std::make_shared<const History>();
  Totals totals;
  /// The VIP of each IPVS service this node should have. Never null.
  std::shared_ptr<const std::map<IpvsServiceKey, VipName>> services =
      std::make_shared<const std::map<IpvsServiceKey, VipName>>();
  /// Never null.
  std::shared_ptr<const std::vector<ServerStatus>> servers =
      std::make_shared<const std::vector<ServerStatus>>();
  DrainOverrides drains;                           // asked for by hand
  std::optional<ConfirmationStatus> confirmation;  // absent: nobody waits for one
};

bool is_ready(const StatusReport& report);

/// {"b": {"deadline": "60s"}}: drains asked for by hand, as one line without a newline at its end.
std::string drains_json(const DrainOverrides& drains);

/// One line without a newline at its end.
std::string status_json(const StatusReport& report);

}  // namespace twobox
