// The changeable part of each kernel object as named values: one list from which text, JSON and
// golden cases are all made, so that they can't tell different stories.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "reconciler/objects.h"

namespace twobox {

struct NamedValue {
  std::string name;
  std::variant<bool, std::int64_t, std::string, std::vector<std::string>> value;
  bool tells_when_empty = false;  // weight 0 says something, threshold 0 does not
  friend bool operator==(const NamedValue&, const NamedValue&) = default;
};
using Fields = std::vector<NamedValue>;

Fields fields_of(const AddressConfig& config);
Fields fields_of(const IpvsServiceConfig& config);
Fields fields_of(const RealServerConfig& config);
Fields fields_of(const SyncDaemonConfig& config);
Fields fields_of(const IpvsTimeoutsConfig& config);
Fields fields_of(const NftTableConfig& config);
Fields fields_of(const NftChainConfig& config);
Fields fields_of(const NftSetConfig& config);
Fields fields_of(const NftElementConfig& config);
Fields fields_of(const NftRuleConfig& config);
Fields fields_of(const SysctlConfig& config);

/// "weight=1 forwarding=direct"; empty values that tell nothing are left out.
std::string to_string(const Fields& fields);

/// Only what differs: "weight 1 -> 5, forwarding direct -> tunnel".
std::string difference(const Fields& before, const Fields& after);

/// "flag-1", "flag-2" ... as ipvsadm spells them.
std::vector<std::string> flag_names(const SchedulerFlags& flags);

}  // namespace twobox
