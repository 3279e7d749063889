// What libnftnl may be given to read. It takes every message for the kernel's own: without a name
// it crashes, and a number of another size than its attribute's makes it end the process (its
// abi_breakage()). So names and sizes are checked before.
#pragma once

#include <string>

#include "backends/netlink/attributes.h"
#include "schema/error.h"

namespace twobox::nftables {

enum class Readable { kYes, kNo };

/// Looks through `list`, of NFTA_RULE_EXPRESSIONS. kNo: well formed, but some expression is none of
/// those whose sizes are known here. Error: kTransport (EBADMSG) if something is malformed.
Result<Readable> readable_by_libnftnl(const netlink::AttributeView& list);

/// The names of the same expressions, with spaces between. Error: kTransport (EBADMSG).
Result<std::string> names_of(const netlink::AttributeView& list);

}  // namespace twobox::nftables
