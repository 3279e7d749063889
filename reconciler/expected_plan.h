// A plan that somebody saved with `twobox diff -o json`, and what has become different since.
#pragma once

#include <string>
#include <vector>

#include "reconciler/report.h"
#include "schema/error.h"

namespace twobox {

/// Where a saved plan and the plan of now differ: one line for each change, none when they are the
/// same. What counts is the node and each change's object, before and after; not reasons, commands,
/// order, or what is foreign.
///
/// Error: kInvalidDocument when `saved` is no diff_json() of format 1.
Result<std::vector<std::string>> plan_differences(const std::string& saved, const DiffReport& now);

}  // namespace twobox
