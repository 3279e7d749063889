// What the daemon knows about itself, as one value that can be handed to any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "reconciler/reconcile.h"
#include "reconciler/roles.h"

namespace twobox {

using WallTime = std::chrono::system_clock::time_point;

/// One moment on both clocks: one to show, one to measure with.
struct Moment {
  SteadyTime steady;
  WallTime wall;
};

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

/// A change made, and why it had to be.
struct HistoryEntry {
  WallTime at;
  std::string cause;   // "document" or "drift"
  std::string action;  // create, update, delete
  std::string object;  // "address enp0s3 172.16.0.30/32"
  std::string reason;
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

struct StatusReport {
  NodeName node;  // "" until known
  std::string document_path;
  std::string document_source;            // who may change it: "file", "api", "file and api"
  std::uint64_t generation = 0;           // of the document in force; 0: none yet
  std::uint64_t observed_generation = 0;  // the one the last converged pass held
  std::map<VipName, VipStatus> vips;
  std::map<std::string, Condition> conditions;  // by type, such as "Ready"
  std::optional<LastPass> last_pass;
  std::vector<RefusalStatus> refused;
  std::vector<std::string> missing;  // what the last pass left undone
  std::vector<ForeignObject> foreign;
  std::deque<HistoryEntry> history;  // newest last
};

bool is_ready(const StatusReport& report);

/// One line without a newline at its end.
std::string status_json(const StatusReport& report);

}  // namespace twobox
