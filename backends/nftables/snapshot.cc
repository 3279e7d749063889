#include "backends/nftables/snapshot.h"

#include <netinet/in.h>
// <netinet/in.h> must come first: netfilter.h uses its types without including it.
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "backends/nftables/element_codec.h"
#include "backends/nftables/message.h"
#include "backends/nftables/set_codec.h"
#include "backends/nftables/table_codec.h"

namespace twobox::nftables {

using netlink::MessageView;

Result<std::uint32_t> read_generation(netlink::Socket& socket) {
  std::optional<std::uint32_t> generation;
  Message request = encode_get_generation();
  const Status asked = socket.request(request.header(), [&](MessageView message) -> Status {
    if (!is_of_type(message, NFT_MSG_NEWGEN)) return success();
    const auto decoded = decode_generation(message);
    if (!decoded) return decoded.error();
    generation = *decoded;
    return success();
  });
  if (!asked) return asked.error();
  if (!generation) return Error{ErrorKind::kTransport, EBADMSG, "the kernel sent no generation"};
  return *generation;
}

Status Snapshot::read() {
  using Reader = Status (Snapshot::*)();
  if (const Status read = read_table(); !read) return with_context(read.error(), "read nft table");
  if (state_.nft_tables.empty()) return success();
  constexpr std::pair<const char*, Reader> kReaders[] = {
      {"list nft chains", &Snapshot::read_chains},
      {"list nft sets", &Snapshot::read_sets},
      {"list nft elements", &Snapshot::read_elements},
      {"list nft rules", &Snapshot::read_rules}};
  for (const auto& [doing, reader] : kReaders)
    if (const Status read = (this->*reader)(); !read) return with_context(read.error(), doing);
  return success();
}

Status Snapshot::read_table() {
  Message request = encode_get_table();
  const Status asked = socket_.request(request.header(), [this](MessageView message) -> Status {
    const auto table = decode_table(message);
    if (!table) return table.error();
    if (*table) state_.nft_tables.insert_or_assign(NftTableKey{}, **table);
    return success();
  });
  const bool missing = !asked && asked.error().kind == ErrorKind::kKernelRefused &&
                       asked.error().errno_value == ENOENT;
  return missing ? success() : asked;
}

Status Snapshot::read_chains() {
  Message request = encode_dump_chains();
  const auto restart = [this] {
    state_.nft_chains.clear();
    anonymous_chains_.clear();
  };
  return socket_.dump(request.header(), restart, [this](MessageView message) -> Status {
    const auto chain = decode_chain(message);
    if (!chain) return chain.error();
    if (!*chain) return success();
    if ((*chain)->anonymous)
      anonymous_chains_.insert((*chain)->key.name);
    else
      state_.nft_chains.insert_or_assign((*chain)->key, (*chain)->config);
    return success();
  });
}

Status Snapshot::read_sets() {
  Message request = encode_dump_sets();
  const auto restart = [this] { state_.nft_sets.clear(); };
  return socket_.dump(request.header(), restart, [this](MessageView message) -> Status {
    const auto set = decode_set(message);
    if (!set) return set.error();
    if (*set && !(*set)->anonymous) state_.nft_sets.insert_or_assign((*set)->key, (*set)->config);
    return success();
  });
}

Status Snapshot::read_elements() {
  for (const auto& set : state_.nft_sets) {
    auto request = encode_dump_elements(set.first.name);
    if (!request) return request.error();
    std::map<NftElementKey, NftElementConfig> elements;
    const Status listed = socket_.dump(
        request->header(), [&elements] { elements.clear(); },
        [&set, &elements](MessageView message) {
          return decode_elements(message, set.first, set.second, elements);
        });
    if (!listed) return with_context(listed.error(), set.first.name);
    state_.nft_elements.merge(elements);
  }
  return success();
}

Status Snapshot::read_rules() {
  Message request = encode_dump_rules();
  const auto restart = [this] { rules_ = {}; };
  return socket_.dump(request.header(), restart, [this](MessageView message) -> Status {
    auto rule = decode_rule(message);
    if (!rule) return rule.error();
    if (*rule && !anonymous_chains_.contains((*rule)->chain)) add_rule(std::move(**rule), rules_);
    return success();
  });
}

}  // namespace twobox::nftables
