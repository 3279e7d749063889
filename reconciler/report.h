// A plan as the contract's JSON and as text.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "reconciler/plan.h"

namespace twobox {

/// What diff and apply show.
struct DiffReport {
  NodeName node;
  Plan plan;
  std::map<NftRuleKey, std::uint64_t> handles;  // of the observation the plan was made from
};

/// The contract's object, format 1, one line without a newline at its end.
std::string diff_json(const DiffReport& report);

enum class Colour : std::uint8_t { kNone, kAnsi };

/// "+ ~ -" lines and, last, "N to create, N to update, N to delete". '+' is what will be created.
std::string diff_text(const DiffReport& report, Colour colour);

}  // namespace twobox
