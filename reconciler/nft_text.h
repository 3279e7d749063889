// Our nftables objects in nft's own language, for reports and for the command that would make them.
#pragma once

#include <string>

#include "reconciler/objects.h"

namespace twobox {

/// "172.16.0.30 . tcp . 80", "08:00:27:e1:3c:c5"; bytes of unknown meaning in hexadecimal.
std::string nft_text(const NftElementKey& key);

/// "meta nfproto ipv4"; what we do not write ourselves is in libnftnl's words, or names its
/// expressions.
std::string nft_text(const NftStatement& statement);

/// "type nat hook prerouting priority -100 ; policy accept ;"; "" for a chain without a hook.
std::string nft_text(const NftChainConfig& chain);

/// "ipv4_addr . inet_proto . inet_service"; "other" for a type that is never ours.
std::string nft_text(NftSetKeyType type);

}  // namespace twobox
