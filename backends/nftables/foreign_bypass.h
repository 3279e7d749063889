// Rules of other tables that mark packets to a VIP, or redirect them.
#pragma once

#include "backends/netlink/message.h"
#include "reconciler/import_machine.h"
#include "schema/error.h"

namespace twobox::nftables {

/// Those of families inet, ip and ip6 but our own table's, as nft or iptables-nft writes them:
/// destination, protocol, port and source MAC by comparisons, each with one value. What looks
/// values up in sets is named and no more; what redirects to another port is left out. Legacy
/// iptables has no netlink. Errors: as Socket::dump().
Result<ForeignBypasses> read_foreign_bypasses();

/// Adds what a NFT_MSG_NEWRULE has; nothing for a rule of another kind. Error: kTransport
/// (EBADMSG).
Status add_foreign_bypass(netlink::MessageView message, ForeignBypasses& found);

}  // namespace twobox::nftables
