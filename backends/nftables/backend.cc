#include "backends/nftables/backend.h"

#include <linux/netlink.h>
#include <netinet/in.h>
// <netinet/in.h> must come first: netfilter.h uses its types without including it.
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>

#include <cerrno>
#include <string>
#include <variant>

#include "backends/nftables/batch.h"
#include "backends/nftables/foreign_chains.h"
#include "backends/nftables/snapshot.h"
#include "reconciler/describe.h"

namespace twobox {
namespace {

using nftables::Batch;
using nftables::Snapshot;

constexpr int kAttempts = 5;

/// The first question put to the kernel: its refusal tells what is missing. A kernel without
/// nf_tables does not know the subsystem (net/netfilter/nfnetlink.c, nfnetlink_rcv_msg(): EINVAL).
Error why_unavailable(Error error) {
  switch (error.errno_value) {
    case EINVAL:
    case EOPNOTSUPP:
    case EPROTONOSUPPORT:
      error.kind = ErrorKind::kUnavailable;
      error.message += "; this kernel has no nf_tables: try `modprobe nf_tables`";
      break;
    case EPERM:
      error.kind = ErrorKind::kUnavailable;
      error.message += "; CAP_NET_ADMIN is needed";
      break;
    default:
      break;
  }
  return with_context(std::move(error), "read nftables");
}

std::string verb_of(const Change& change) {
  return std::visit(
      [](const auto& of) -> std::string {
        if (!of.before) return "add ";
        return of.after ? "replace " : "delete ";
      },
      change);
}

/// "add nft rule inet twobox CHAIN NAME".
std::string doing(const Change& change) {
  std::string kind(describe(change).kind);
  for (char& letter : kind)
    if (letter == '_') letter = ' ';
  return verb_of(change) + kind + " " +
         std::visit([](const auto& of) { return key_text(of.key); }, change);
}

Error cancelled() {
  return {ErrorKind::kKernelRefused, ECANCELED, "not done, because another change was refused"};
}

bool is_own_fault(const Status& status) {
  return !status && status.error().errno_value != ECANCELED;
}

/// A refused message speaks for all of its changes: which one it was, the kernel does not tell.
Status outcome_of(const nftables::BatchEntry& entry, const Status& message) {
  if (entry.changes.size() == 1 || !is_own_fault(message) ||
      message.error().kind != ErrorKind::kKernelRefused)
    return message;
  return with_context(message.error(),
                      "one of " + std::to_string(entry.changes.size()) + " sent together");
}

/// The outcome of each change from the outcomes of the messages. A change of two messages failed
/// with the one that was at fault.
std::vector<Status> by_change(const Batch& batch, std::span<const Status> by_message) {
  std::vector<Status> outcomes(batch.faults.size(), success());
  for (std::size_t at = 0; at < batch.entries.size(); ++at) {
    const Status outcome = outcome_of(batch.entries[at], by_message[at]);
    for (const std::size_t change : batch.entries[at].changes)
      if (is_own_fault(outcome) || (!outcome && outcomes[change])) outcomes[change] = outcome;
  }
  return outcomes;
}

/// When one change failed, none was carried out, also those that had no message or no fault.
void cancel_the_others(std::vector<Status>& outcomes) {
  bool failed = false;
  for (const Status& outcome : outcomes) failed = failed || !outcome;
  for (Status& outcome : outcomes)
    if (failed && outcome) outcome = cancelled();
}

}  // namespace

Result<NftablesBackend> NftablesBackend::open() {
  auto socket = netlink::Socket::open(NETLINK_NETFILTER);
  if (!socket) return why_unavailable(socket.error());
  return NftablesBackend(*std::move(socket));
}

Status NftablesBackend::observe(KernelState& state, Handles& handles, NftCounts& counts) {
  auto before = nftables::read_generation(socket_);
  if (!before) return why_unavailable(before.error());
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Snapshot snapshot(socket_);
    const Status read = snapshot.read();
    const auto after = nftables::read_generation(socket_);
    if (!after) return why_unavailable(after.error());
    if (*after == *before) {
      // Only now is an error one: what a change removed under our hands is read as missing.
      if (!read) return read;
      state.nft_tables = std::move(snapshot.state().nft_tables);
      state.nft_chains = std::move(snapshot.state().nft_chains);
      state.nft_sets = std::move(snapshot.state().nft_sets);
      state.nft_elements = std::move(snapshot.state().nft_elements);
      state.nft_rules = std::move(snapshot.rules().configs);
      handles = std::move(snapshot.rules().handles);
      counts = std::move(snapshot.rules().counts);
      return success();
    }
    before = after;
  }
  return Error{ErrorKind::kTornDump, 0,
               "read nftables: the tables changed during each of " + std::to_string(kAttempts) +
                   " attempts"};
}

Result<NftCounts> NftablesBackend::observe_counts() {
  Snapshot snapshot(socket_);
  if (const Status read = snapshot.read_rules(); !read)
    return with_context(read.error(), "list nft rules");
  return std::move(snapshot.rules().counts);
}

Result<std::vector<DroppingChain>> NftablesBackend::dropping_chains() {
  auto before = nftables::read_generation(socket_);
  if (!before) return before.error();
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    auto chains = nftables::read_dropping_chains(socket_);
    const auto after = nftables::read_generation(socket_);
    if (!after) return after.error();
    // Rules read before a firewall's reload do not speak for its chains after it.
    if (*after == *before) return chains;
    before = after;
  }
  return Error{ErrorKind::kTornDump, 0, "read other tables' chains: they changed all the while"};
}

std::vector<Status> NftablesBackend::apply(std::span<const Change> changes,
                                           const Handles& handles) {
  Batch batch = nftables::build_batch(changes, handles);
  std::vector<Status> outcomes = batch.faults;
  if (batch.may_be_sent() && !batch.entries.empty()) {
    std::vector<nlmsghdr*> messages;
    for (auto& entry : batch.entries) messages.push_back(entry.message.header());
    outcomes = by_change(batch, socket_.transaction(messages, NFNL_SUBSYS_NFTABLES));
  }
  cancel_the_others(outcomes);
  for (std::size_t at = 0; at < outcomes.size(); ++at)
    if (!outcomes[at]) outcomes[at] = with_context(outcomes[at].error(), doing(changes[at]));
  return outcomes;
}

}  // namespace twobox
