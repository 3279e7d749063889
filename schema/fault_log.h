// Collects faults while a document is read.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "schema/document.h"

namespace twobox {

class FaultLog {
 public:
  /// Nobody reads more, and a small hostile text could make very many.
  static constexpr std::size_t kMaxFaults = 10000;

  /// `position` is that of the JsonValue at fault, or of the object that lacks something.
  void add(std::uint32_t position, std::string pointer, std::string detail) {
    if (entries_.size() < kMaxFaults)
      entries_.push_back({position, Fault{std::move(pointer), std::move(detail)}});
    else
      is_complete_ = false;
  }

  bool is_complete() const { return is_complete_; }

  Faults take_in_document_order() {
    std::ranges::stable_sort(entries_, {}, &Entry::position);
    Faults faults;
    faults.reserve(entries_.size());
    for (Entry& entry : entries_) faults.push_back(std::move(entry.fault));
    if (!is_complete_) faults.push_back({"", "found more faults than are listed, allowed is none"});
    entries_.clear();
    is_complete_ = true;
    return faults;
  }

 private:
  struct Entry {
    std::uint32_t position;
    Fault fault;
  };
  std::vector<Entry> entries_;
  bool is_complete_ = true;
};

}  // namespace twobox
