// A kernel in memory: answers what the loop does when a step fails or somebody interferes.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>

#include "reconciler/backend.h"
#include "reconciler/reconcile.h"

namespace twobox::testing {

/// Does what the real one does: deleting a service takes its real servers along, deleting the table
/// all that is in it, and an nftables batch is all or none.
class FakeKernel : public Backend {
 public:
  explicit FakeKernel(KernelState initial = {}) { state.kernel = std::move(initial); }

  Result<ObservedState> observe(const Scope& scope) override;
  Result<ObservedState> observe_again(ObservedState last, const Scope& scope,
                                      const Parts& parts) override;
  Result<Machine> observe_machine() override;
  Result<Traffic> observe_traffic() override;
  std::vector<Status> apply(Subsystem subsystem, std::span<const Change> changes,
                            const std::map<NftRuleKey, std::uint64_t>& handles) override;
  Status announce(const InterfaceName& interface, const IpAddress& address, int count) override;

  /// Objects by name ("address enp0s3 192.0.2.1/32") and the errno they are refused with.
  std::map<std::string, int> refuse;
  /// Set: observing fails with it.
  std::optional<Error> unreadable;

  /// What each observation has read.
  std::vector<Parts> read;

  ObservedState state;
  Traffic traffic;
  std::vector<AddressKey> announced;
};

/// An ownership record that forgets nothing but the process.
class MemoryOwnership : public OwnershipStore {
 public:
  const OwnershipRecord& record() const override { return record_; }
  Status save(const OwnershipRecord& record) override;

  bool full_disk = false;

 private:
  OwnershipRecord record_;
};

}  // namespace twobox::testing
