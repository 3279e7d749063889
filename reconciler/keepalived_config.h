// A document as keepalived's configuration: VRRP owns the addresses, we follow them.
#pragma once

#include <string>

#include "schema/document.h"
#include "schema/error.h"

namespace twobox {

/// keepalived.conf for `node`, one of the document's. A VIP whose role the document itself gives is
/// left out, since two owners would fight over its address.
///
/// The same document always gives the same instances, router ids and order of preference, so the
/// nodes agree when each renders its own.
///
/// Error: kInvalidDocument if no VIP is left, there are more instances than router ids, or
/// keepalived could not read a name or has no room for a second FIFO.
/// Source: keepalived.conf(5) of keepalived 2.2.7.
Result<std::string> keepalived_config(const Document& document, const NodeName& node);

}  // namespace twobox
