// Which parts of a partly read document mean something.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "schema/document.h"

namespace twobox {

class KnownParts {
 public:
  /// All of the document.
  KnownParts() = default;
  /// All but the places of these faults.
  explicit KnownParts(const Faults& faults);

  /// False when a fault is at the pointer itself.
  bool is_readable(std::string_view pointer) const;
  /// False when a fault is at the pointer, beneath it, or at something that contains it.
  bool is_known(std::string_view pointer) const;

 private:
  std::set<std::string, std::less<>> faulty_;
};

}  // namespace twobox
