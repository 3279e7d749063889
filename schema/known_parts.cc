#include "schema/known_parts.h"

namespace twobox {

KnownParts::KnownParts(const Faults& faults) {
  for (const Fault& fault : faults) faulty_.insert(fault.pointer);
}

bool KnownParts::is_readable(std::string_view pointer) const {
  return !faulty_.contains(pointer);
}

bool KnownParts::is_known(std::string_view pointer) const {
  if (faulty_.empty()) return true;
  const std::string beneath = std::string(pointer) + "/";
  const auto next = faulty_.lower_bound(beneath);
  if (next != faulty_.end() && next->starts_with(beneath)) return false;
  while (is_readable(pointer)) {
    if (pointer.empty()) return true;
    pointer = pointer.substr(0, pointer.rfind('/'));
  }
  return false;
}

}  // namespace twobox
