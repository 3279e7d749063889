// Changes -> the messages of one nfnetlink batch, which the kernel carries out all or none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "backends/nftables/message.h"
#include "reconciler/objects.h"
#include "schema/error.h"

namespace twobox::nftables {

/// A message and the positions of the changes it carries out.
struct BatchEntry {
  Message message;
  std::vector<std::size_t> changes;
};

struct Batch {
  std::vector<BatchEntry> entries;
  /// One for each change: kBug when it can't be put into a message. Then nothing may be sent.
  std::vector<Status> faults;

  bool may_be_sent() const;
};

/// Turns changes into messages in their order. Neighbouring elements of one set share a message; an
/// element of a set that is deleted as a whole needs none.
Batch build_batch(std::span<const Change> changes,
                  const std::map<NftRuleKey, std::uint64_t>& handles);

}  // namespace twobox::nftables
