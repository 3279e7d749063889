// What `twobox import` makes of what is there: a document, and what has to be said about it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "schema/document.h"
#include "schema/net.h"

namespace twobox {

struct Import {
  Document document;  // may lack what validate() asks for: its faults say what to fill in
  /// What has no counterpart, and what was presumed: one line each.
  std::vector<std::string> notes;
};

using MacsByAddress = std::map<IpAddress, MacAddress>;

/// Adds `vip` by the name "vip-N"; called in the order of addresses, so that machines which import
/// the same VIPs call them the same.
void add_vip(Document& document, Vip vip);

/// Makes nodes of `addresses`: those with one MAC are one node; they are called a, b, c ... by
/// their lowest address, so that all machines call them the same. Servers at these addresses get
/// the node's name, and a list of servers that says no more than its absence would goes. A document
/// has at most 16 nodes: what is more stays an address.
void name_nodes(Import& import, const std::set<IpAddress>& addresses, const MacsByAddress& macs);

}  // namespace twobox
