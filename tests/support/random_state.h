// What is wanted and what is found, at random, for properties that hold whatever both are.
#pragma once

#include <cstdint>
#include <random>
#include <string>

#include "reconciler/ownership.h"
#include "reconciler/resolve.h"

namespace twobox::testing {

/// Few distinct keys, so that wanted and found states meet in every way.
class RandomState {
 public:
  explicit RandomState(std::uint64_t seed) : random_(seed) {}

  DesiredState desired();
  /// What is there: some of it wanted, some edited, some of other hands.
  KernelState found(const DesiredState& wanted);
  bool coin() { return pick(2) == 0; }

 private:
  std::uint32_t pick(std::uint32_t below);
  std::string digit() { return std::to_string(pick(3)); }
  void add_service(KernelState& state, const Endpoint& endpoint);
  void spoil_table(KernelState& state);

  std::mt19937_64 random_;
};

/// Fails the property unless all is left that is neither wanted, nor ours by record, nor in our
/// table.
void require_foreign_untouched(const KernelState& before, const KernelState& after,
                               const DesiredState& wanted, const OwnershipRecord& record);

/// Fails the property unless everything that is wanted is there as wanted, and in our table nothing
/// else is.
void require_reached(const KernelState& kernel, const KernelState& wanted);

}  // namespace twobox::testing
