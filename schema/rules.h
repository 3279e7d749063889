// What no single field of a document can show. Each file of rules takes one part.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "schema/document.h"
#include "schema/fault_log.h"
#include "schema/known_parts.h"

namespace twobox {

/// What every rule looks at, and where it puts its faults. Rules pass over what is not known.
struct RuleCheck {
  const Document& document;
  const KnownParts& known;
  FaultLog& log;

  void refuse(std::string pointer, std::string_view found, std::string_view allowed) const;
};

/// Addresses and MAC addresses stand once, in nodes and VIPs together.
void check_addresses(const RuleCheck& check);
/// The VIPs one by one and together: address, role, bypass.
void check_vips(const RuleCheck& check);
/// The services of each VIP, without their servers and marks.
void check_services(const RuleCheck& check);
void check_servers(const RuleCheck& check);
void check_marks(const RuleCheck& check);
/// Checks fit their services, quorums can be reached.
void check_health_checks(const RuleCheck& check);
/// The sysctls that a VIP's bypass needs are not also held at something else.
void check_sysctls(const RuleCheck& check);

std::string node_pointer(const NodeName& name);
std::string vip_pointer(const VipName& name);
std::string service_pointer(const VipName& vip, std::size_t index);

/// "IPv4" or "IPv6"
std::string_view family_text(AddressFamily family);

/// `found`, and that it is at `first` too.
std::string found_also(const std::string& found, const std::string& first);

/// False after noting that there is no node of this name.
bool check_node_exists(const RuleCheck& check, const NodeName& name, const std::string& pointer);

/// Where each value was seen first.
template <typename Value>
class FirstPlaces {
 public:
  /// The pointer of the value's first place, or null when this is the first.
  const std::string* see(const Value& value, const std::string& pointer) {
    const auto [place, is_first] = places_.try_emplace(value, pointer);
    return is_first ? nullptr : &place->second;
  }

 private:
  std::map<Value, std::string> places_;
};

}  // namespace twobox
