// The ownership record as it lies on disk.
#pragma once

#include <string>
#include <string_view>

#include "reconciler/ownership.h"
#include "schema/error.h"

namespace twobox {

/// `boot_id` is the kernel's: a record made before a reboot describes objects that are gone.
struct StoredRecord {
  std::string boot_id;
  OwnershipRecord record;
  friend bool operator==(const StoredRecord&, const StoredRecord&) = default;
};

std::string ownership_json(const StoredRecord& stored);

/// Error: kTransport if the text is not what ownership_json() writes. Guessing what is ours could
/// remove what is not.
Result<StoredRecord> parse_ownership(std::string_view text);

}  // namespace twobox
