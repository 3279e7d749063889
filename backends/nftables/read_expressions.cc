#include <net/if_arp.h>

#include <array>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "backends/nftables/endpoint_key.h"
#include "backends/nftables/expressions.h"
#include "backends/nftables/handles.h"

namespace twobox::nftables {
namespace {

using Expressions = std::span<nftnl_expr* const>;

bool is_named(const nftnl_expr* expression, std::string_view name) {
  const char* const found = nftnl_expr_get_str(expression, NFTNL_EXPR_NAME);
  return found != nullptr && name == found;
}

std::optional<std::uint32_t> number(const nftnl_expr* expression, std::uint16_t attribute) {
  if (!nftnl_expr_is_set(expression, attribute)) return std::nullopt;
  return nftnl_expr_get_u32(expression, attribute);
}

bool has(const nftnl_expr* expression, std::uint16_t attribute, std::uint32_t value) {
  return number(expression, attribute) == value;
}

bool is_at(const nftnl_expr* expression, std::uint16_t attribute, Register expected) {
  const auto found = number(expression, attribute);
  return found && register_from(*found) == expected;
}

bool loads_meta(const nftnl_expr* expression, std::uint32_t key, Register to) {
  return is_named(expression, "meta") && has(expression, NFTNL_EXPR_META_KEY, key) &&
         is_at(expression, NFTNL_EXPR_META_DREG, to);
}

bool sets_mark(const nftnl_expr* expression) {
  return is_named(expression, "meta") && has(expression, NFTNL_EXPR_META_KEY, NFT_META_MARK) &&
         is_at(expression, NFTNL_EXPR_META_SREG, kFirstRegister);
}

bool is_field(const nftnl_expr* expression, const HeaderField& field) {
  return is_named(expression, "payload") && has(expression, NFTNL_EXPR_PAYLOAD_BASE, field.base) &&
         has(expression, NFTNL_EXPR_PAYLOAD_OFFSET, field.offset) &&
         has(expression, NFTNL_EXPR_PAYLOAD_LEN, field.length);
}

bool loads_field(const nftnl_expr* expression, const HeaderField& field, Register to) {
  return is_field(expression, field) && is_at(expression, NFTNL_EXPR_PAYLOAD_DREG, to);
}

/// True unless the attribute is there with another value than zero.
bool lacks(const nftnl_expr* expression, std::uint16_t attribute) {
  return number(expression, attribute).value_or(0) == 0;
}

/// The data of one byte in a comparison, an immediate or the like.
std::optional<std::uint8_t> byte_in(const nftnl_expr* expression, std::uint16_t attribute) {
  std::uint32_t length = 0;
  const void* const found = nftnl_expr_get(expression, attribute, &length);
  if (found == nullptr || length != sizeof(std::uint8_t)) return std::nullopt;
  return *static_cast<const std::uint8_t*>(found);
}

bool masks(const nftnl_expr* expression, std::uint8_t bits) {
  return is_named(expression, "bitwise") &&
         is_at(expression, NFTNL_EXPR_BITWISE_SREG, kFirstRegister) &&
         is_at(expression, NFTNL_EXPR_BITWISE_DREG, kFirstRegister) &&
         lacks(expression, NFTNL_EXPR_BITWISE_OP) &&
         has(expression, NFTNL_EXPR_BITWISE_LEN, sizeof(bits)) &&
         byte_in(expression, NFTNL_EXPR_BITWISE_MASK) == bits &&
         byte_in(expression, NFTNL_EXPR_BITWISE_XOR) == 0;
}

/// Leaving the checksums alone, which nft's own rules do not.
bool stores_field(const nftnl_expr* expression, const HeaderField& field) {
  return is_field(expression, field) &&
         is_at(expression, NFTNL_EXPR_PAYLOAD_SREG, kFirstRegister) &&
         lacks(expression, NFTNL_EXPR_PAYLOAD_CSUM_TYPE) &&
         lacks(expression, NFTNL_EXPR_PAYLOAD_FLAGS);
}

template <typename Value>
bool compares_to(const nftnl_expr* expression, Value value, std::uint32_t how = NFT_CMP_EQ) {
  if (!is_named(expression, "cmp") || !has(expression, NFTNL_EXPR_CMP_OP, how) ||
      !is_at(expression, NFTNL_EXPR_CMP_SREG, kFirstRegister))
    return false;
  std::uint32_t length = 0;
  const void* const found = nftnl_expr_get(expression, NFTNL_EXPR_CMP_DATA, &length);
  return found != nullptr && length == sizeof(value) &&
         std::memcmp(found, &value, sizeof(value)) == 0;
}

struct Lookup {
  std::string set;
  bool inverted = false;
  bool has_result = false;  // a map's value goes to the first register
};

std::optional<Lookup> lookup_from(const nftnl_expr* expression) {
  if (!is_named(expression, "lookup") ||
      !is_at(expression, NFTNL_EXPR_LOOKUP_SREG, kFirstRegister) ||
      !nftnl_expr_is_set(expression, NFTNL_EXPR_LOOKUP_SET))
    return std::nullopt;
  const std::uint32_t flags = number(expression, NFTNL_EXPR_LOOKUP_FLAGS).value_or(0);
  if ((flags & ~std::uint32_t{NFT_LOOKUP_F_INV}) != 0) return std::nullopt;
  Lookup lookup{nftnl_expr_get_str(expression, NFTNL_EXPR_LOOKUP_SET), flags != 0, false};
  if (!nftnl_expr_is_set(expression, NFTNL_EXPR_LOOKUP_DREG)) return lookup;
  if (!is_at(expression, NFTNL_EXPR_LOOKUP_DREG, kFirstRegister)) return std::nullopt;
  lookup.has_result = true;
  return lookup;
}

/// A statement and how many expressions it took.
struct Match {
  NftStatement statement;
  std::size_t length;
};

std::optional<Match> match_comparison(Expressions next) {
  if (next.size() < 2) return std::nullopt;
  if (loads_meta(next[0], NFT_META_IIFTYPE, kFirstRegister) &&
      compares_to<std::uint16_t>(next[1], ARPHRD_ETHER))
    return Match{NftArrivesOverEthernet{}, 2};
  if (!loads_meta(next[0], NFT_META_NFPROTO, kFirstRegister)) return std::nullopt;
  for (const EndpointKey& key : kEndpointKeys)
    if (compares_to<std::uint8_t>(next[1], key.nfproto)) return Match{NftFamilyIs{key.family}, 2};
  return std::nullopt;
}

std::optional<Match> match_ether_source(Expressions next) {
  if (next.size() < 2 || !loads_field(next[0], kEtherSource, kFirstRegister)) return std::nullopt;
  const auto lookup = lookup_from(next[1]);
  if (!lookup || lookup->has_result) return std::nullopt;
  if (lookup->inverted) return Match{NftEtherSourceNotInSet{lookup->set}, 2};
  return Match{NftEtherSourceInSet{lookup->set}, 2};
}

std::optional<Match> match_opening(Expressions next) {
  constexpr std::size_t kLength = 5;
  if (next.size() < kLength || !loads_meta(next[0], NFT_META_L4PROTO, kFirstRegister) ||
      !compares_to<std::uint8_t>(next[1], IPPROTO_TCP) ||
      !loads_field(next[2], kTcpFlags, kFirstRegister) || !masks(next[3], kTcpFinSynRstAck) ||
      !compares_to(next[4], kTcpSyn))
    return std::nullopt;
  return Match{NftOpensTcpConnection{}, kLength};
}

std::optional<Match> match_version(Expressions next) {
  constexpr std::size_t kLength = 3;
  if (next.size() < kLength || !loads_field(next[0], kVersion, kFirstRegister)) return std::nullopt;
  for (const EndpointKey& key : kEndpointKeys)
    if (compares_to(next[1], key.first_version, NFT_CMP_GTE) &&
        compares_to(next[2], key.last_version, NFT_CMP_LTE))
      return Match{NftHeaderVersionIs{key.family}, kLength};
  return std::nullopt;
}

std::optional<Match> match_header_protocol(Expressions next) {
  if (next.size() < 2) return std::nullopt;
  for (const EndpointKey& key : kEndpointKeys) {
    if (loads_field(next[0], key.protocol, kFirstRegister)) {
      const auto number = byte_in(next[1], NFTNL_EXPR_CMP_DATA);
      if (number && compares_to(next[1], *number))
        return Match{NftHeaderProtocolIs{key.family, *number}, 2};
    } else if (is_named(next[0], "immediate") &&
               is_at(next[0], NFTNL_EXPR_IMM_DREG, kFirstRegister) &&
               stores_field(next[1], key.protocol)) {
      if (const auto number = byte_in(next[0], NFTNL_EXPR_IMM_DATA))
        return Match{NftSetHeaderProtocol{key.family, *number}, 2};
    }
  }
  return std::nullopt;
}

bool loads_endpoint(Expressions next, const EndpointKey& key) {
  return loads_field(next[0], key.address, kFirstRegister) &&
         loads_meta(next[1], NFT_META_L4PROTO, key.protocol_at) &&
         loads_field(next[2], kDestinationPort, key.port_at);
}

std::optional<Match> match_endpoint(Expressions next) {
  constexpr std::size_t kLoads = 3;
  if (next.size() <= kLoads) return std::nullopt;
  const auto lookup = lookup_from(next[kLoads]);
  if (!lookup || lookup->inverted) return std::nullopt;
  for (const EndpointKey& key : kEndpointKeys) {
    if (!loads_endpoint(next, key)) continue;
    if (!lookup->has_result) return Match{NftDestinationInSet{key.family, lookup->set}, kLoads + 1};
    if (next.size() > kLoads + 1 && sets_mark(next[kLoads + 1]))
      return Match{NftMarkFromMap{key.family, lookup->set}, kLoads + 2};
  }
  return std::nullopt;
}

std::optional<Match> match_redirect(Expressions next) {
  if (!is_named(next[0], "redir")) return std::nullopt;
  for (const std::uint16_t attribute :
       {NFTNL_EXPR_REDIR_REG_PROTO_MIN, NFTNL_EXPR_REDIR_REG_PROTO_MAX, NFTNL_EXPR_REDIR_FLAGS})
    if (nftnl_expr_is_set(next[0], attribute)) return std::nullopt;
  return Match{NftRedirect{}, 1};
}

std::optional<Match> match_counter(Expressions next) {
  if (!is_named(next[0], "counter")) return std::nullopt;
  return Match{NftCounter{}, 1};
}

/// "NAME WORDS": libnftnl's words leave the expression's name out.
NftUnknown unknown_from(const nftnl_expr* expression) {
  std::array<char, 1024> words{};
  const int length = nftnl_expr_snprintf(words.data(), words.size(), expression, 0, 0);
  const char* const name = nftnl_expr_get_str(expression, NFTNL_EXPR_NAME);
  std::string text = name == nullptr ? "expression" : name;
  if (length > 0) text += " " + std::string(words.data());
  while (text.ends_with(' ')) text.pop_back();
  return {std::move(text)};
}

Match match_first(Expressions next) {
  for (const auto match : {match_comparison, match_ether_source, match_endpoint, match_opening,
                           match_version, match_header_protocol, match_redirect, match_counter})
    if (const auto found = match(next)) return *found;
  return {unknown_from(next[0]), 1};
}

std::vector<nftnl_expr*> expressions_of(const nftnl_rule* rule) {
  std::vector<nftnl_expr*> expressions;
  const auto iterator = owned<ExpressionIterator>(nftnl_expr_iter_create(rule));
  while (nftnl_expr* const expression = nftnl_expr_iter_next(iterator.get()))
    expressions.push_back(expression);
  return expressions;
}

}  // namespace

std::vector<NftStatement> read_expressions(const nftnl_rule* rule) {
  const auto expressions = expressions_of(rule);
  std::vector<NftStatement> statements;
  Expressions rest = expressions;
  while (!rest.empty()) {
    Match match = match_first(rest);
    statements.push_back(std::move(match.statement));
    rest = rest.subspan(match.length);
  }
  return statements;
}

std::optional<NftCount> read_count(const nftnl_rule* rule) {
  for (const nftnl_expr* expression : expressions_of(rule))
    if (is_named(expression, "counter"))
      return NftCount{nftnl_expr_get_u64(expression, NFTNL_EXPR_CTR_PACKETS),
                      nftnl_expr_get_u64(expression, NFTNL_EXPR_CTR_BYTES)};
  return std::nullopt;
}

}  // namespace twobox::nftables
