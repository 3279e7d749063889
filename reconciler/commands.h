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

}  // namespace twobox
