// The statements of a rule <-> the kernel's expressions: what nft would write for the same text.
#pragma once

#include <optional>
#include <vector>

#include "reconciler/objects.h"
#include "schema/error.h"

struct nftnl_rule;

namespace twobox::nftables {

/// Appends the expressions of `statement` to `rule`. Error: kBug for a statement we never write.
Status add_expressions(nftnl_rule* rule, const NftStatement& statement);

/// Reads back exactly the shapes add_expressions() writes. Every expression that is part of none
/// becomes an NftUnknown of its own.
std::vector<NftStatement> read_expressions(const nftnl_rule* rule);

/// What the rule's (first) counter has counted.
std::optional<NftCount> read_count(const nftnl_rule* rule);

}  // namespace twobox::nftables
