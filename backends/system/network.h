// What of this network namespace no other reader has: the sizes of interfaces, the way out.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "reconciler/doctor_facts.h"
#include "schema/error.h"

namespace twobox {

/// Every interface. Error: kTransport. Source: net/core/dev_ioctl.c.
Result<std::map<InterfaceName, InterfaceShape>> interface_shapes();

/// The interface of the IPv4 default route of the main table with the least metric; of one with
/// several next hops, the first's. `root` goes before /proc. Error: kUnavailable if the file can't
/// be read. Source: net/ipv4/fib_trie.c, fib_route_seq_show().
Result<std::optional<InterfaceName>> ipv4_default_route(const std::string& root);

}  // namespace twobox
