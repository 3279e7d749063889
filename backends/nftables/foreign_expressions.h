// Other people's rules by their attributes, and not by libnftnl, which knows few of the expressions
// they have.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "backends/netlink/attributes.h"
#include "schema/error.h"

namespace twobox::nftables {

/// nft's word for inet, ip and ip6; nullptr for other families.
const char* family_word(std::uint8_t family);

/// UINT32_MAX, which equals none of those asked for, where it is absent or of another size.
std::uint32_t number_in(const netlink::AttributeView& attribute);

/// Hands each expression of NFTA_RULE_EXPRESSIONS to `read`, in order: its name and its attributes
/// up to number 8. Error: kTransport (EBADMSG).
Status read_expressions(
    const netlink::AttributeView& expressions,
    const std::function<void(const std::string&, const netlink::AttributeTable&)>& read);

}  // namespace twobox::nftables
