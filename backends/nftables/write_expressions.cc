#include <net/if_arp.h>

#include <string>
#include <variant>

#include "backends/nftables/endpoint_key.h"
#include "backends/nftables/expressions.h"
#include "backends/nftables/handles.h"
#include "backends/nftables/message.h"

namespace twobox::nftables {
namespace {

enum class LookupSense { kIn, kNotIn };

/// Appends the expressions of each kind of statement to one rule.
class ExpressionWriter {
 public:
  explicit ExpressionWriter(nftnl_rule* rule) : rule_(rule) {}

  Status operator()(const NftFamilyIs& statement) {
    load_meta(NFT_META_NFPROTO, kFirstRegister);
    compare<std::uint8_t>(endpoint_key(statement.family).nfproto);
    return success();
  }
  Status operator()(const NftHeaderVersionIs& statement) {
    const EndpointKey& key = endpoint_key(statement.family);
    load_field(kVersion, kFirstRegister);
    compare(key.first_version, NFT_CMP_GTE);
    compare(key.last_version, NFT_CMP_LTE);
    return success();
  }
  Status operator()(const NftArrivesOverEthernet&) {
    load_meta(NFT_META_IIFTYPE, kFirstRegister);
    compare<std::uint16_t>(ARPHRD_ETHER);  // in host order, as the device has it
    return success();
  }
  Status operator()(const NftDestinationInSet& statement) {
    load_endpoint(statement.family);
    return look_up(statement.set, LookupSense::kIn);
  }
  Status operator()(const NftEtherSourceNotInSet& statement) {
    load_field(kEtherSource, kFirstRegister);
    return look_up(statement.set, LookupSense::kNotIn);
  }
  Status operator()(const NftEtherSourceInSet& statement) {
    load_field(kEtherSource, kFirstRegister);
    return look_up(statement.set, LookupSense::kIn);
  }
  Status operator()(const NftOpensTcpConnection&) {
    load_meta(NFT_META_L4PROTO, kFirstRegister);
    compare<std::uint8_t>(IPPROTO_TCP);
    load_field(kTcpFlags, kFirstRegister);
    mask(kTcpFinSynRstAck);
    compare(kTcpSyn);
    return success();
  }
  Status operator()(const NftHeaderProtocolIs& statement) {
    load_field(endpoint_key(statement.family).protocol, kFirstRegister);
    compare(statement.number);
    return success();
  }
  Status operator()(const NftSetHeaderProtocol& statement) {
    nftnl_expr* const immediate = add("immediate");
    nftnl_expr_set_u32(immediate, NFTNL_EXPR_IMM_DREG, number_of(kFirstRegister));
    nftnl_expr_set(immediate, NFTNL_EXPR_IMM_DATA, &statement.number, sizeof(statement.number));
    store_field(endpoint_key(statement.family).protocol);
    return success();
  }
  Status operator()(const NftMarkFromMap& statement) {
    load_endpoint(statement.family);
    return set_mark_from(statement.map);
  }
  Status operator()(const NftRedirect&) {
    add("redir");
    return success();
  }
  Status operator()(const NftCounter&) {
    add("counter");
    return success();
  }
  Status operator()(const NftUnknown& statement) {
    return Error{ErrorKind::kBug, 0, "cannot write the statement '" + statement.text + "'"};
  }

 private:
  /// The rule owns the expression; it stays valid as long as the rule.
  nftnl_expr* add(const char* name) {
    nftnl_expr* const expression = owned<ExpressionHandle>(nftnl_expr_alloc(name)).release();
    nftnl_rule_add_expr(rule_, expression);
    return expression;
  }

  void load_meta(std::uint32_t key, Register to) {
    nftnl_expr* const meta = add("meta");
    nftnl_expr_set_u32(meta, NFTNL_EXPR_META_KEY, key);
    nftnl_expr_set_u32(meta, NFTNL_EXPR_META_DREG, number_of(to));
  }

  template <typename Value>
  void compare(Value value, std::uint32_t how = NFT_CMP_EQ) {
    nftnl_expr* const cmp = add("cmp");
    nftnl_expr_set_u32(cmp, NFTNL_EXPR_CMP_SREG, number_of(kFirstRegister));
    nftnl_expr_set_u32(cmp, NFTNL_EXPR_CMP_OP, how);
    nftnl_expr_set(cmp, NFTNL_EXPR_CMP_DATA, &value, sizeof(value));
  }

  nftnl_expr* add_payload(const HeaderField& field) {
    nftnl_expr* const payload = add("payload");
    nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_BASE, field.base);
    nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_OFFSET, field.offset);
    nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_LEN, field.length);
    return payload;
  }

  void load_field(const HeaderField& field, Register to) {
    nftnl_expr_set_u32(add_payload(field), NFTNL_EXPR_PAYLOAD_DREG, number_of(to));
  }

  void store_field(const HeaderField& field) {
    nftnl_expr* const payload = add_payload(field);
    nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_SREG, number_of(kFirstRegister));
    nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_CSUM_TYPE, NFT_PAYLOAD_CSUM_NONE);
    nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_CSUM_OFFSET, 0);
  }

  /// Keeps these bits of the one byte in the first register.
  void mask(std::uint8_t bits) {
    constexpr std::uint8_t kFlipNone = 0;
    nftnl_expr* const bitwise = add("bitwise");
    nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_SREG, number_of(kFirstRegister));
    nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_DREG, number_of(kFirstRegister));
    nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_LEN, sizeof(bits));
    nftnl_expr_set(bitwise, NFTNL_EXPR_BITWISE_MASK, &bits, sizeof(bits));
    nftnl_expr_set(bitwise, NFTNL_EXPR_BITWISE_XOR, &kFlipNone, sizeof(kFlipNone));
  }

  void load_endpoint(AddressFamily family) {
    const EndpointKey& key = endpoint_key(family);
    load_field(key.address, kFirstRegister);
    load_meta(NFT_META_L4PROTO, key.protocol_at);
    load_field(kDestinationPort, key.port_at);
  }

  Result<nftnl_expr*> add_lookup(const std::string& set) {
    if (set.size() > kLongestName)
      return Error{ErrorKind::kBug, 0, "the set's name has more than 255 bytes"};
    nftnl_expr* const lookup = add("lookup");
    nftnl_expr_set_u32(lookup, NFTNL_EXPR_LOOKUP_SREG, number_of(kFirstRegister));
    nftnl_expr_set_str(lookup, NFTNL_EXPR_LOOKUP_SET, set.c_str());
    return lookup;
  }

  Status look_up(const std::string& set, LookupSense sense) {
    const auto lookup = add_lookup(set);
    if (!lookup) return lookup.error();
    if (sense == LookupSense::kNotIn)
      nftnl_expr_set_u32(*lookup, NFTNL_EXPR_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
    return success();
  }

  Status set_mark_from(const std::string& map) {
    const auto lookup = add_lookup(map);
    if (!lookup) return lookup.error();
    nftnl_expr_set_u32(*lookup, NFTNL_EXPR_LOOKUP_DREG, number_of(kFirstRegister));
    nftnl_expr* const meta = add("meta");
    nftnl_expr_set_u32(meta, NFTNL_EXPR_META_KEY, NFT_META_MARK);
    nftnl_expr_set_u32(meta, NFTNL_EXPR_META_SREG, number_of(kFirstRegister));
    return success();
  }

  nftnl_rule* rule_;
};

}  // namespace

Status add_expressions(nftnl_rule* rule, const NftStatement& statement) {
  return std::visit(ExpressionWriter(rule), statement);
}

}  // namespace twobox::nftables
