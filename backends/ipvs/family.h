// The number under which the running kernel knows the generic netlink family "IPVS".
#pragma once

#include <cstdint>
#include <optional>

#include "backends/netlink/message.h"
#include "backends/netlink/socket.h"
#include "schema/error.h"

namespace twobox::ipvs {

/// Absent when ip_vs is not loaded; asking does not load it. The number changes when the module is
/// loaded anew, so it is not for keeping. Error: kTransport.
Result<std::optional<std::uint16_t>> find_family(netlink::Socket& socket);

/// Reads one answer of the generic netlink controller: the family's number if it is "IPVS".
/// Error: kTransport (EBADMSG).
Result<std::optional<std::uint16_t>> decode_family(netlink::MessageView message);

}  // namespace twobox::ipvs
