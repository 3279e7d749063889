// What a rule of another table may do to VRRP.
#pragma once

#include <set>
#include <string>

#include "backends/netlink/socket.h"
#include "schema/error.h"
#include "schema/net.h"

namespace twobox::nftables {

/// VRRP's number as IP protocol (IANA).
constexpr std::uint8_t kVrrp = 112;

struct ForeignRule {
  std::string chain;
  std::set<AddressFamily> families;  // that the rule is about
  bool accepts_everything = false;   // no match, verdict accept
  bool names_vrrp = false;           // compares the protocol with VRRP's, and does not drop
  std::set<std::string> looked_up;   // sets in which it looks the protocol up
};

/// `message` is a NFT_MSG_NEWRULE. Error: kTransport (EBADMSG).
Result<ForeignRule> decode_foreign_rule(netlink::MessageView message);

/// True if one of the elements listed in a NFT_MSG_NEWSETELEM is VRRP's number.
/// Error: kTransport (EBADMSG).
Result<bool> lists_vrrp(netlink::MessageView message);

}  // namespace twobox::nftables
