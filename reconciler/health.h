// What checks have found out about real servers. Each node checks for itself.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "reconciler/moment.h"
#include "reconciler/objects.h"

namespace twobox {

/// A server begins as unknown, and its first verdict takes one success or `fall` failures.
enum class Health : std::uint8_t { kUnknown, kUp, kDown };

struct ServerHealth {
  Health health = Health::kUnknown;
  Moment since;       // of the verdict; of the first check while unknown
  std::string cause;  // of the last failed check: "connect to 172.16.0.31:80: connection refused"
  std::uint64_t transitions = 0;  // from up to down and back; the first verdict is none
};

/// By real server. One without an entry is not checked.
using HealthMap = std::map<RealServerKey, ServerHealth>;

}  // namespace twobox
