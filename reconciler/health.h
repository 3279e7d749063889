// What checks have found out about real servers. Each node checks for itself.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "reconciler/moment.h"
#include "reconciler/objects.h"
#include "schema/check.h"

namespace twobox {

/// A server begins as unknown, and its first verdict takes one success or `fall` failures.
enum class Health : std::uint8_t { kUnknown, kUp, kDown };

struct ServerHealth {
  Health health = Health::kUnknown;
  Moment since;       // of the verdict; of the first check while unknown
  std::string cause;  // of the last failed check: "connect to 172.16.0.31:80: connection refused"
  std::uint64_t transitions = 0;  // from up to down and back; the first verdict is none
  friend bool operator==(const ServerHealth&, const ServerHealth&) = default;
};

/// By real server. One that is checked and has no entry is unknown.
using HealthMap = std::map<RealServerKey, ServerHealth>;

/// What became of one check.
struct CheckOutcome {
  enum class Kind : std::uint8_t {
    kPassed,
    kFailed,
    kNotMade,  // this machine could not ask (no descriptor, no port): says nothing of the server
  };
  Kind kind;
  std::string cause = {};  // a sentence to act on; empty when passed
};

/// Makes verdicts of one server's outcomes: `rise` successes or `fall` failures in a row turn it.
class RiseAndFall {
 public:
  explicit RiseAndFall(Moment begin) : health_{Health::kUnknown, begin, {}} {}

  /// Whether health() says anything else now.
  bool heard(const CheckOutcome& outcome, const Check& check, Moment now);
  const ServerHealth& health() const { return health_; }

 private:
  bool turn(Health health, Moment now);
  bool blame(const std::string& cause);

  ServerHealth health_;
  std::uint32_t passed_in_a_row_ = 0;
  std::uint32_t failed_in_a_row_ = 0;
};

}  // namespace twobox
