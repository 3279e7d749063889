// A plan as the contract's JSON and as text.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "reconciler/plan.h"
#include "reconciler/reconcile.h"

namespace twobox {

/// What a diff shows.
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

/// diff_json() of what was planned; each change has an "error" (null when carried out), and
/// "converged" says whether a fresh look at the kernel found nothing left to do.
std::string pass_json(const NodeName& node, const PassReport& pass);

/// diff_text()'s lines with what was refused, and as last line what became of the pass:
/// "N created, N updated, N deleted, N refused: converged".
std::string pass_text(const PassReport& pass, Colour colour);

}  // namespace twobox
