#include "schema/rules.h"

#include "schema/fault_text.h"

namespace twobox {

void RuleCheck::refuse(std::string pointer, std::string_view found,
                       std::string_view allowed) const {
  constexpr std::uint32_t kInOrderFound = 0;
  log.add(kInOrderFound, std::move(pointer), found_allowed(found, allowed));
}

std::string node_pointer(const NodeName& name) {
  return child_pointer("/nodes", name);
}

std::string vip_pointer(const VipName& name) {
  return child_pointer("/vips", name);
}

std::string service_pointer(const VipName& vip, std::size_t index) {
  return child_pointer(vip_pointer(vip) + "/services", index);
}

std::string_view family_text(AddressFamily family) {
  return family == AddressFamily::kIpv4 ? "IPv4" : "IPv6";
}

std::string found_also(const std::string& found, const std::string& first) {
  constexpr std::size_t kMaxCharacters = 640;
  return found + ", which is also at " + on_one_line(first, kMaxCharacters);
}

bool check_node_exists(const RuleCheck& check, const NodeName& name, const std::string& pointer) {
  if (check.document.nodes.contains(name)) return true;
  // Without a readable list of nodes nobody can tell.
  if (check.known.is_readable("/nodes") && check.known.is_readable(""))
    check.refuse(pointer, in_quotes(name), "the name of one of the nodes");
  return false;
}

}  // namespace twobox
