#include "backends/nftables/libnftnl_guard.h"

#include <endian.h>
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace twobox::nftables {
namespace {

using netlink::attribute_list;
using netlink::AttributeView;

/// What an attribute holds: a number of so many bytes, a text, or other attributes.
enum class Holds : std::uint8_t { k1, k4, k8, kText, kData, kValue, kVerdict };

/// By the attribute's type, from 1 on. libnftnl passes over types beyond.
using Layout = std::span<const Holds>;

constexpr Holds kNumbers[] = {Holds::k4, Holds::k4, Holds::k4, Holds::k4,
                              Holds::k4, Holds::k4, Holds::k4, Holds::k4};
constexpr Holds kCmp[] = {Holds::k4, Holds::k4, Holds::kData};
constexpr Holds kRange[] = {Holds::k4, Holds::k4, Holds::kData, Holds::kData};
constexpr Holds kLookup[] = {Holds::kText, Holds::k4, Holds::k4, Holds::k4, Holds::k4};
constexpr Holds kCounter[] = {Holds::k8, Holds::k8};
constexpr Holds kImmediate[] = {Holds::k4, Holds::kData};
constexpr Holds kBitwise[] = {Holds::k4,    Holds::k4, Holds::k4,   Holds::kData,
                              Holds::kData, Holds::k4, Holds::kData};
constexpr Holds kConntrack[] = {Holds::k4, Holds::k4, Holds::k1, Holds::k4};
constexpr Holds kReject[] = {Holds::k4, Holds::k1};
constexpr Holds kLimit[] = {Holds::k8, Holds::k8, Holds::k4, Holds::k4, Holds::k4};

// struct nft_data: a value or a verdict.
constexpr Holds kData[] = {Holds::kValue, Holds::kVerdict};
constexpr Holds kVerdict[] = {Holds::k4, Holds::kText, Holds::k4};

struct KnownExpression {
  std::string_view name;
  Layout layout;
};
constexpr Layout kAllNumbers(kNumbers);
// Source: include/uapi/linux/netfilter/nf_tables.h.
constexpr KnownExpression kKnown[] = {{"meta", kAllNumbers.first(NFTA_META_MAX)},
                                      {"payload", kAllNumbers.first(NFTA_PAYLOAD_MAX)},
                                      {"redir", kAllNumbers.first(NFTA_REDIR_MAX)},
                                      {"masq", kAllNumbers.first(NFTA_MASQ_MAX)},
                                      {"nat", kAllNumbers.first(NFTA_NAT_MAX)},
                                      {"fib", kAllNumbers.first(NFTA_FIB_MAX)},
                                      {"cmp", kCmp},
                                      {"range", kRange},
                                      {"lookup", kLookup},
                                      {"counter", kCounter},
                                      {"immediate", kImmediate},
                                      {"bitwise", kBitwise},
                                      {"ct", kConntrack},
                                      {"reject", kReject},
                                      {"limit", kLimit}};

Error malformed(const std::string& what) {
  return {ErrorKind::kTransport, EBADMSG, "malformed rule: " + what};
}

bool fits(const AttributeView& attribute, Holds holds);

/// Looks at every attribute, also at repeated ones, as libnftnl does.
bool all_fit(std::span<const std::byte> attributes, Layout layout) {
  const auto list = attribute_list(attributes);
  return list && std::ranges::all_of(*list, [layout](const AttributeView& attribute) {
           const std::size_t type = attribute.type();
           return type == 0 || type > layout.size() || fits(attribute, layout[type - 1]);
         });
}

/// libnftnl takes for granted that a jump has a target.
bool is_verdict(std::span<const std::byte> bytes) {
  const auto verdict = netlink::AttributeTable::parse(bytes, NFTA_VERDICT_MAX);
  if (!verdict || !all_fit(bytes, kVerdict)) return false;
  const auto code = (*verdict)[NFTA_VERDICT_CODE].as<std::uint32_t>();
  if (!code) return false;
  const auto signed_code = std::bit_cast<std::int32_t>(be32toh(*code));
  const bool jumps = signed_code == NFT_JUMP || signed_code == NFT_GOTO;
  return !jumps || (*verdict)[NFTA_VERDICT_CHAIN].present();
}

bool fits(const AttributeView& attribute, Holds holds) {
  const auto bytes = attribute.bytes();
  switch (holds) {
    case Holds::k1:
      return bytes.size() == 1;
    case Holds::k4:
      return bytes.size() == 4;
    case Holds::k8:
      return bytes.size() == 8;
    case Holds::kText:
      return !bytes.empty();
    case Holds::kData:
      return all_fit(bytes, kData);
    case Holds::kValue:
      return !bytes.empty() && bytes.size() <= NFT_DATA_VALUE_MAXLEN;
    case Holds::kVerdict:
      return is_verdict(bytes);
  }
  return false;
}

struct Expression {
  std::string name;
  AttributeView data;
};

Result<Expression> expression_in(const AttributeView& element) {
  const auto parts = attribute_list(element.bytes());
  if (!parts) return parts.error();
  Expression expression;
  for (const AttributeView& part : *parts) {
    if (part.type() == NFTA_EXPR_NAME) expression.name = part.as_text().value();
    if (part.type() == NFTA_EXPR_DATA) expression.data = part;
  }
  constexpr std::size_t kNameAndData = 2;
  if (expression.name.empty() || parts->size() > kNameAndData)
    return malformed("an expression is not a name with data");
  return expression;
}

Result<std::vector<Expression>> expressions_in(const AttributeView& list) {
  const auto elements = attribute_list(list.bytes());
  if (!elements) return elements.error();
  std::vector<Expression> expressions;
  for (const AttributeView& element : *elements) {
    auto expression = expression_in(element);
    if (!expression) return expression.error();
    expressions.push_back(*std::move(expression));
  }
  return expressions;
}

}  // namespace

Result<Readable> readable_by_libnftnl(const AttributeView& list) {
  const auto expressions = expressions_in(list);
  if (!expressions) return expressions.error();
  Readable readable = Readable::kYes;
  for (const Expression& expression : *expressions) {
    const auto* const known = std::ranges::find(kKnown, expression.name, &KnownExpression::name);
    if (known == std::end(kKnown))
      readable = Readable::kNo;
    else if (!all_fit(expression.data.bytes(), known->layout))
      return malformed("an attribute of '" + expression.name + "' has a wrong size");
  }
  return readable;
}

Result<std::string> names_of(const AttributeView& list) {
  const auto expressions = expressions_in(list);
  if (!expressions) return expressions.error();
  std::string names;
  for (const Expression& expression : *expressions)
    names += (names.empty() ? "" : " ") + expression.name;
  return names;
}

}  // namespace twobox::nftables
