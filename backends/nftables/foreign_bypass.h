// Rules of other tables that mark packets to a VIP, or redirect them.
#pragma once

#include <optional>
#include <vector>

#include "backends/netlink/message.h"
#include "reconciler/import_machine.h"
#include "schema/error.h"

namespace twobox::nftables {

/// Those of families inet, ip and ip6 but our own table's, as nft or iptables-nft writes them:
/// destination, protocol, port and source MAC by comparisons, each with one value. What looks
/// values up in sets, or redirects to another port, is left out. Legacy iptables has no netlink.
/// Errors: as Socket::dump().
Result<std::vector<ForeignBypass>> read_foreign_bypasses();

/// Reads NFT_MSG_NEWRULE. nullopt: a rule of another kind. Error: kTransport (EBADMSG).
Result<std::optional<ForeignBypass>> decode_foreign_bypass(netlink::MessageView message);

}  // namespace twobox::nftables
