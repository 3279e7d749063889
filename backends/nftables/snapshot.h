// One reading of the table `inet twobox`.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "backends/netlink/socket.h"
#include "backends/nftables/rule_codec.h"
#include "reconciler/objects.h"
#include "schema/error.h"

namespace twobox::nftables {

/// The number of the last change to any table of this network namespace.
/// Errors: as Socket::request().
Result<std::uint32_t> read_generation(netlink::Socket& socket);

/// Collects the objects of the table. What it holds is whole once read() succeeded, and of one
/// piece if the generation was the same before and after.
class Snapshot {
 public:
  explicit Snapshot(netlink::Socket& socket) : socket_(socket) {}

  /// Errors: as Socket::dump(); kTransport (EBADMSG).
  Status read();

  /// The rules alone, whether the table is there or not. Errors: as Socket::dump().
  Status read_rules();

  KernelState& state() { return state_; }  // only its nft_* members, without the rules
  Rules& rules() { return rules_; }

 private:
  Status read_table();
  Status read_chains();
  Status read_sets();
  Status read_elements();

  netlink::Socket& socket_;
  KernelState state_;
  Rules rules_;
  std::set<std::string> anonymous_chains_;
};

}  // namespace twobox::nftables
