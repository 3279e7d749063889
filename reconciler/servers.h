// Which real servers a service of the document means.
#pragma once

#include <vector>

#include "schema/document.h"

namespace twobox {

/// Absent means: every node, same port, weight 1, direct routing.
std::vector<Server> servers_or_default(const Document& document, const Service& service);

/// The node's address that serves as real server for a VIP of `family`; validate() made sure that a
/// server's node has one.
const IpAddress& server_address(const Node& node, AddressFamily family);

/// Where a server of a VIP of `family` is reached.
const IpAddress& address_of(const Document& document, const Server& server, AddressFamily family);

bool has_address(const Node& node, const IpAddress& address);

}  // namespace twobox
