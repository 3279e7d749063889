// The command an administrator would type for a change. Only ever shown: twobox itself starts no
// process.
#pragma once

#include <map>
#include <string>

#include "reconciler/objects.h"

namespace twobox {

/// One shell line of ip, ipvsadm, nft or sysctl. `handles` are those of the observation, since nft
/// names rules by handle.
std::string command_for(const Change& change, const std::map<NftRuleKey, std::uint64_t>& handles);

/// One word of a shell line. Sysctl values and the names of interfaces and of other people's
/// nftables objects may hold anything.
std::string shell_word(const std::string& text);

}  // namespace twobox
