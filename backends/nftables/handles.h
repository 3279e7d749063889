// One owner for every libnftnl handle.
#pragma once

#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>

#include <cstdlib>
#include <memory>

#include "backends/netlink/handles.h"

namespace twobox::nftables {

using netlink::FreeWith;

using TableHandle = std::unique_ptr<nftnl_table, FreeWith<nftnl_table_free>>;
using ChainHandle = std::unique_ptr<nftnl_chain, FreeWith<nftnl_chain_free>>;
using SetHandle = std::unique_ptr<nftnl_set, FreeWith<nftnl_set_free>>;
using ElementHandle = std::unique_ptr<nftnl_set_elem, FreeWith<nftnl_set_elem_free>>;
using RuleHandle = std::unique_ptr<nftnl_rule, FreeWith<nftnl_rule_free>>;
using ExpressionHandle = std::unique_ptr<nftnl_expr, FreeWith<nftnl_expr_free>>;
using ExpressionIterator = std::unique_ptr<nftnl_expr_iter, FreeWith<nftnl_expr_iter_destroy>>;
using UserData = std::unique_ptr<nftnl_udata_buf, FreeWith<nftnl_udata_buf_free>>;

/// Takes over what an allocating function of libnftnl returned. These fail only when memory is out,
/// and then nothing is left to be done in order.
template <typename Handle>
Handle owned(typename Handle::pointer raw) {
  if (raw == nullptr) std::abort();
  return Handle(raw);
}

}  // namespace twobox::nftables
