#include "backends/nftables/set_codec.h"

#include <netinet/in.h>
// <netinet/in.h> must come first: netfilter.h uses its types without including it.
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <array>
#include <string>
#include <utility>

#include "backends/nftables/handles.h"

namespace twobox::nftables {
namespace {

// The numbers nft gives its data types (nftables, include/datatype.h). The kernel stores them for
// nft to print the set by; a concatenation is a row of six-bit numbers.
constexpr std::uint32_t kTypeIpv4Address = 7;
constexpr std::uint32_t kTypeIpv6Address = 8;
constexpr std::uint32_t kTypeEtherAddress = 9;
constexpr std::uint32_t kTypeInetProtocol = 12;
constexpr std::uint32_t kTypeInetService = 13;
constexpr std::uint32_t kTypeMark = 19;
constexpr std::uint32_t kMarkLength = 4;

constexpr std::uint32_t concatenation(std::uint32_t address_type) {
  return address_type << 12U | kTypeInetProtocol << 6U | kTypeInetService;
}

// nft's enum byteorder, in the set's user data.
constexpr std::uint32_t kByteOrderInvalid = 0;  // a concatenation has no order as a whole
constexpr std::uint32_t kByteOrderHost = 1;
constexpr std::uint32_t kByteOrderNetwork = 2;

struct KeyForm {
  NftSetKeyType type;
  std::uint32_t number;
  std::uint32_t length;  // each part of a concatenation is padded to four bytes
  std::uint32_t byte_order;
};
constexpr std::array<KeyForm, 3> kKeyForms = {{
    {NftSetKeyType::kEndpointIpv4, concatenation(kTypeIpv4Address), 12, kByteOrderInvalid},
    {NftSetKeyType::kEndpointIpv6, concatenation(kTypeIpv6Address), 24, kByteOrderInvalid},
    {NftSetKeyType::kEtherAddress, kTypeEtherAddress, 6, kByteOrderNetwork},
}};

Result<SetHandle> set_handle(const NftSetKey& key) {
  if (key.name.size() > kLongestName)
    return Error{ErrorKind::kBug, 0, "the set's name has more than 255 bytes"};
  auto set = owned<SetHandle>(nftnl_set_alloc());
  nftnl_set_set_str(set.get(), NFTNL_SET_TABLE, kNftTableName);
  nftnl_set_set_str(set.get(), NFTNL_SET_NAME, key.name.c_str());
  return set;
}

Message set_message(std::uint16_t type, std::uint16_t flags, const SetHandle& set) {
  return build_message(
      type, flags, [&set](nlmsghdr* header) { nftnl_set_nlmsg_build_payload(header, set.get()); });
}

/// Tells nft how to print the keys and values.
void describe_to_nft(nftnl_set* set, const KeyForm& form, const NftSetConfig& config) {
  constexpr std::uint32_t kRoom = 64;
  const auto user_data = owned<UserData>(nftnl_udata_buf_alloc(kRoom));
  nftnl_udata_put_u32(user_data.get(), NFTNL_UDATA_SET_KEYBYTEORDER, form.byte_order);
  if (config.maps_to_mark)
    nftnl_udata_put_u32(user_data.get(), NFTNL_UDATA_SET_DATABYTEORDER, kByteOrderHost);
  nftnl_set_set_data(set, NFTNL_SET_USERDATA, nftnl_udata_buf_data(user_data.get()),
                     nftnl_udata_buf_len(user_data.get()));
}

/// The numbers of NEWSET that say what a set is; absent ones are zero.
struct SetNumbers {
  std::uint32_t flags = 0;
  std::uint32_t key_type = 0;
  std::uint32_t key_length = 0;
  std::uint32_t data_type = 0;
  std::uint32_t data_length = 0;
  std::uint32_t policy = 0;
};

Result<SetNumbers> read_numbers(const netlink::AttributeTable& attributes) {
  SetNumbers numbers;
  const std::array<std::pair<std::uint16_t, std::uint32_t*>, 6> fields = {
      {{NFTA_SET_FLAGS, &numbers.flags},
       {NFTA_SET_KEY_TYPE, &numbers.key_type},
       {NFTA_SET_KEY_LEN, &numbers.key_length},
       {NFTA_SET_DATA_TYPE, &numbers.data_type},
       {NFTA_SET_DATA_LEN, &numbers.data_length},
       {NFTA_SET_POLICY, &numbers.policy}}};
  for (const auto& [type, field] : fields) {
    const auto number = number_or(attributes[type], std::uint32_t{0});
    if (!number) return number.error();
    *field = *number;
  }
  return numbers;
}

/// True if the set is limited or equipped in a way its flags need not tell. The kernel sends
/// NFTA_SET_DESC even when there is nothing in it (nf_tables_api.c, nf_tables_fill_set()).
Result<bool> has_extras(const netlink::AttributeTable& attributes, const SetNumbers& numbers) {
  const auto description =
      netlink::AttributeTable::parse(attributes[NFTA_SET_DESC].bytes(), NFTA_SET_DESC_MAX);
  if (!description) return description.error();
  constexpr std::array<std::uint16_t, 5> kExtras = {NFTA_SET_TIMEOUT, NFTA_SET_GC_INTERVAL,
                                                    NFTA_SET_OBJ_TYPE, NFTA_SET_EXPR,
                                                    NFTA_SET_EXPRESSIONS};
  bool found = numbers.policy != 0 || (*description)[NFTA_SET_DESC_SIZE].present() ||
               (*description)[NFTA_SET_DESC_CONCAT].present();
  for (const std::uint16_t type : kExtras) found = found || attributes[type].present();
  return found;
}

NftSetConfig config_from(const SetNumbers& numbers) {
  NftSetConfig config;
  for (const KeyForm& form : kKeyForms)
    if (form.number == numbers.key_type && form.length == numbers.key_length)
      config.key_type = form.type;
  config.maps_to_mark = (numbers.flags & NFT_SET_MAP) != 0 && numbers.data_type == kTypeMark &&
                        numbers.data_length == kMarkLength;
  // A map to something else keeps its flag, so that it equals no set of ours.
  config.other_flags =
      config.maps_to_mark ? numbers.flags & ~std::uint32_t{NFT_SET_MAP} : numbers.flags;
  return config;
}

}  // namespace

bool is_plain(const NftSetConfig& config) {
  return config.key_type != NftSetKeyType::kOther && config.other_flags == 0;
}

Result<Message> encode_new_set(const NftSetKey& key, const NftSetConfig& config, std::uint32_t id) {
  if (!is_plain(config)) return Error{ErrorKind::kBug, 0, "this kind of set is never written"};
  const auto set = set_handle(key);
  if (!set) return set.error();
  nftnl_set_set_u32(set->get(), NFTNL_SET_ID, id);
  nftnl_set_set_u32(set->get(), NFTNL_SET_FLAGS, config.maps_to_mark ? NFT_SET_MAP : 0);
  for (const KeyForm& form : kKeyForms) {
    if (form.type != config.key_type) continue;
    nftnl_set_set_u32(set->get(), NFTNL_SET_KEY_TYPE, form.number);
    nftnl_set_set_u32(set->get(), NFTNL_SET_KEY_LEN, form.length);
    describe_to_nft(set->get(), form, config);
  }
  if (config.maps_to_mark) {
    nftnl_set_set_u32(set->get(), NFTNL_SET_DATA_TYPE, kTypeMark);
    nftnl_set_set_u32(set->get(), NFTNL_SET_DATA_LEN, kMarkLength);
  }
  return set_message(NFT_MSG_NEWSET, NLM_F_CREATE, *set);
}

Result<Message> encode_delete_set(const NftSetKey& key) {
  const auto set = set_handle(key);
  if (!set) return set.error();
  return set_message(NFT_MSG_DELSET, 0, *set);
}

Message encode_dump_sets() {
  const auto set = owned<SetHandle>(nftnl_set_alloc());
  nftnl_set_set_str(set.get(), NFTNL_SET_TABLE, kNftTableName);
  return set_message(NFT_MSG_GETSET, 0, set);
}

Result<Ours<DecodedSet>> decode_set(netlink::MessageView message) {
  const auto ours = our_attributes(message, NFT_MSG_NEWSET, NFTA_SET_MAX);
  if (!ours) return ours.error();
  if (!*ours) return Ours<DecodedSet>();
  const netlink::AttributeTable& attributes = **ours;

  auto name = attributes[NFTA_SET_NAME].as_text();
  if (!name) return name.error();
  const auto numbers = read_numbers(attributes);
  if (!numbers) return numbers.error();
  const auto extras = has_extras(attributes, *numbers);
  if (!extras) return extras.error();
  DecodedSet set{NftSetKey{std::move(*name)}, config_from(*numbers),
                 (numbers->flags & NFT_SET_ANONYMOUS) != 0};
  if (*extras) set.config.other_flags |= kSetHasExtras;
  return Ours<DecodedSet>(std::move(set));
}

}  // namespace twobox::nftables
