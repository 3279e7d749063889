// The table `inet twobox`: read whole, changed in atomic batches.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "backends/netlink/socket.h"
#include "reconciler/backend.h"
#include "reconciler/objects.h"
#include "schema/error.h"

namespace twobox {

/// Changes no other table, and looks at none but in dropping_chains(). Keeps no memory of earlier
/// calls. Not thread-safe.
class NftablesBackend {
 public:
  using Handles = std::map<NftRuleKey, std::uint64_t>;

  /// Error: kUnavailable when this kernel has no netfilter netlink; kTransport.
  static Result<NftablesBackend> open();

  /// Reads the table into the nft_* members of `state`, and its rules' handles and counts; all stay
  /// as they were on an error. No table is an empty state. All is of one generation: when a change
  /// comes in between, everything is read again, up to 5 times. Sets, chains and elements that the
  /// kernel made for one rule (anonymous ones) are part of that rule and not listed. Errors:
  /// kTornDump after the last attempt; kUnavailable when this kernel has no nf_tables or we lack
  /// CAP_NET_ADMIN; kTransport, kKernelRefused.
  Status observe(KernelState& state, Handles& handles, NftCounts& counts);

  /// What the rules of our table have counted, in one dump; empty when there is no table. Errors:
  /// kTornDump, kTransport, kKernelRefused.
  Result<NftCounts> observe_counts();

  /// Base chains of other tables that drop by policy what comes in or goes out. Errors: as
  /// observe().
  Result<std::vector<DroppingChain>> dropping_chains();

  /// Carries out the changes in order, in one batch: all or none. One outcome per change, naming
  /// the object. `handles` are those of the observation the changes were planned from.
  ///
  /// A table change with both sides makes the table anew, empty. An element that has another mark
  /// or extras, and a rule, are replaced. Creating a table, chain, set or element that is there
  /// already with the same config succeeds. Because all changes stand or fall together, one that
  /// came too late (ENOENT for what is gone, EEXIST or EBUSY for what somebody made otherwise)
  /// fails the whole batch; the next pass plans from what it then finds. Errors: kKernelRefused
  /// with the kernel's errno, ECANCELED for the changes beside the refused one; kBug for a change
  /// of a chain or set in place, for objects we never write, and for a rule without a handle: then
  /// nothing is sent.
  std::vector<Status> apply(std::span<const Change> changes, const Handles& handles);

  /// Of the netlink socket that changes go through; see KernelEvents.
  std::uint32_t port() const { return socket_.port(); }

 private:
  explicit NftablesBackend(netlink::Socket socket) : socket_(std::move(socket)) {}

  netlink::Socket socket_;
};

}  // namespace twobox
