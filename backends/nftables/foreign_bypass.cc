#include "backends/nftables/foreign_bypass.h"

#include <netinet/in.h>
// <netinet/in.h> must come first: netfilter.h uses its types without including it.
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>

#include <array>
#include <cstring>
#include <string>
#include <utility>

#include "backends/netlink/socket.h"
#include "backends/nftables/foreign_expressions.h"
#include "backends/nftables/message.h"
#include "reconciler/objects.h"
#include "schema/ip_protocol.h"

namespace twobox::nftables {
namespace {

using Bytes = std::span<const std::byte>;
using netlink::AttributeTable;
using netlink::MessageView;

/// A T at `offset`, in the byte order it has there.
template <typename T>
std::optional<T> at(Bytes bytes, std::size_t offset) {
  if (bytes.size() < offset + sizeof(T)) return std::nullopt;
  T value{};
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

template <typename T>
std::optional<T> whole(Bytes bytes) {
  return bytes.size() == sizeof(T) ? at<T>(bytes, 0) : std::nullopt;
}

std::optional<Protocol> protocol_of(std::uint8_t number) {
  for (const Protocol protocol : kEveryProtocol)
    if (ip_protocol(protocol) == number) return protocol;
  return std::nullopt;
}

/// Goes through a rule's expressions in order. Registers are not followed: a comparison is taken to
/// be about what was loaded last, as nft and iptables write it.
class BypassReader {
 public:
  void read(const std::string& name, const AttributeTable& data) {
    if (name == "payload") return load_field(data);
    if (name == "meta") return read_meta(data);
    if (name == "cmp") return compare(data);
    if (name == "immediate") return read_immediate(data);
    if (name == "redir") return read_redirect(data);
    if (name == "match" || name == "target") return read_extension(name, data);
    if (name != "counter") loaded_ = Loaded::kOther;
    if (name == "bitwise" || name == "range") is_plain_ = false;
    looks_up_ = looks_up_ || name == "lookup";
  }

  void take(std::string place, std::uint64_t handle, ForeignBypasses& found) {
    if (!marks_ && !redirects_) return;
    if (looks_up_)
      found.unread.push_back({std::move(place), handle, address_});
    else if (is_plain_ && address_ && (mark_ || redirects_))
      found.read.push_back({std::move(place), *address_, protocol_, port_, mark_, not_from_});
  }

 private:
  enum class Loaded { kOther, kEtherSource, kDestination, kProtocol, kPort };

  void load_field(const AttributeTable& data) {
    struct Field {
      std::uint32_t base, offset, length;
      Loaded loaded;
    };
    constexpr std::array<Field, 6> kFields = {
        {{NFT_PAYLOAD_LL_HEADER, 6, 6, Loaded::kEtherSource},
         {NFT_PAYLOAD_NETWORK_HEADER, 16, 4, Loaded::kDestination},
         {NFT_PAYLOAD_NETWORK_HEADER, 24, 16, Loaded::kDestination},
         {NFT_PAYLOAD_NETWORK_HEADER, 9, 1, Loaded::kProtocol},
         {NFT_PAYLOAD_NETWORK_HEADER, 6, 1, Loaded::kProtocol},
         {NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, Loaded::kPort}}};
    loaded_ = Loaded::kOther;
    for (const Field& field : kFields)
      if (number_in(data[NFTA_PAYLOAD_BASE]) == field.base &&
          number_in(data[NFTA_PAYLOAD_OFFSET]) == field.offset &&
          number_in(data[NFTA_PAYLOAD_LEN]) == field.length)
        loaded_ = field.loaded;
  }

  void read_meta(const AttributeTable& data) {
    const std::uint32_t key = number_in(data[NFTA_META_KEY]);
    if (data[NFTA_META_SREG].present()) {
      if (key != NFT_META_MARK) return;
      marks_ = true;
      mark_ = immediate_;
      return;
    }
    loaded_ = key == NFT_META_L4PROTO ? Loaded::kProtocol : Loaded::kOther;
  }

  void compare(const AttributeTable& data) {
    const auto parts = AttributeTable::parse(data[NFTA_CMP_DATA].bytes(), NFTA_DATA_MAX);
    if (!parts) return;
    const Bytes value = (*parts)[NFTA_DATA_VALUE].bytes();
    const bool equal = number_in(data[NFTA_CMP_OP]) == NFT_CMP_EQ;
    if (loaded_ == Loaded::kEtherSource) return compare_source(value, equal);
    if (loaded_ == Loaded::kOther) return;
    if (!equal) {
      is_plain_ = false;
    } else if (loaded_ == Loaded::kDestination) {
      compare_destination(value);
    } else if (const auto number = whole<std::uint8_t>(value);
               loaded_ == Loaded::kProtocol && number) {
      protocol_ = protocol_of(*number);
    } else if (const auto port = whole<std::uint16_t>(value); loaded_ == Loaded::kPort && port) {
      set_port(ntohs(*port));
    }
  }

  void compare_source(Bytes value, bool equal) {
    const auto mac = whole<std::array<std::uint8_t, 6>>(value);
    // A rule for one sender alone is no bypass.
    if (!mac || equal)
      is_plain_ = false;
    else
      not_from_.insert(MacAddress::from_bytes(*mac));
  }

  void compare_destination(Bytes value) {
    if (const auto ipv4 = whole<std::array<std::uint8_t, 4>>(value))
      address_ = IpAddress::from_ipv4(*ipv4);
    else if (const auto ipv6 = whole<std::array<std::uint8_t, 16>>(value))
      address_ = IpAddress::from_ipv6(*ipv6);
    else
      is_plain_ = false;
  }

  void set_port(std::uint16_t number) {
    if (const auto port = Port::from_number(number)) port_ = *port;
  }

  void read_immediate(const AttributeTable& data) {
    const auto parts = AttributeTable::parse(data[NFTA_IMMEDIATE_DATA].bytes(), NFTA_DATA_MAX);
    if (parts) immediate_ = whole<std::uint32_t>((*parts)[NFTA_DATA_VALUE].bytes());
  }

  void read_redirect(const AttributeTable& data) {
    redirects_ = true;
    if (data[NFTA_REDIR_REG_PROTO_MIN].present()) is_plain_ = false;
  }

  /// iptables' own matches and targets, in the forms of their structs in linux/netfilter/xt_*.h.
  void read_extension(const std::string& kind, const AttributeTable& data) {
    // Name, revision and struct have the same numbers in both (nf_tables_compat.h).
    const auto name = data[NFTA_MATCH_NAME].as_text();
    const Bytes info = data[NFTA_MATCH_INFO].bytes();
    if (!name) return;
    if (kind == "match") return read_match(*name, info);
    if (*name == "REDIRECT") {
      redirects_ = true;
    } else if (*name == "MARK") {
      marks_ = true;
      mark_ = at<std::uint32_t>(info, 0);  // xt_mark_tginfo2
    }
  }

  void read_match(const std::string& name, Bytes info) {
    if (name == "mac") {  // xt_mac_info
      const auto inverted = at<std::int32_t>(info, 8);
      if (info.size() >= 12) compare_source(info.first(6), inverted.value_or(0) == 0);
    } else if (name == "tcp" || name == "udp") {  // xt_tcp, xt_udp: ports in host order
      const auto first = at<std::uint16_t>(info, 4);
      const auto last = at<std::uint16_t>(info, 6);
      protocol_ = name == "tcp" ? Protocol::kTcp : Protocol::kUdp;
      if (first && first == last) set_port(*first);
    }
  }

  Loaded loaded_ = Loaded::kOther;
  bool is_plain_ = true;
  bool looks_up_ = false;
  bool marks_ = false;
  bool redirects_ = false;
  std::optional<std::uint32_t> immediate_;
  std::optional<IpAddress> address_;
  std::optional<Protocol> protocol_;
  std::optional<Port> port_;
  std::optional<std::uint32_t> mark_;
  std::set<MacAddress> not_from_;
};

}  // namespace

Status add_foreign_bypass(MessageView message, ForeignBypasses& found) {
  const auto attributes = attributes_of(message, NFTA_RULE_MAX);
  if (!attributes) return attributes.error();
  const auto table = (*attributes)[NFTA_RULE_TABLE].as_text();
  const auto chain = (*attributes)[NFTA_RULE_CHAIN].as_text();
  if (!table || !chain) return (table ? chain : table).error();
  nfgenmsg header{};
  std::memcpy(&header, message.data() + NLMSG_HDRLEN, sizeof(header));
  const char* const family = family_word(header.nfgen_family);
  if (family == nullptr || (header.nfgen_family == NFPROTO_INET && *table == kNftTableName))
    return success();
  BypassReader reader;
  if (const Status read = read_expressions(
          (*attributes)[NFTA_RULE_EXPRESSIONS],
          [&](const std::string& name, const AttributeTable& data) { reader.read(name, data); });
      !read)
    return read.error();
  const auto handle = number_or((*attributes)[NFTA_RULE_HANDLE], std::uint64_t{0});
  if (!handle) return handle.error();
  reader.take(std::string(family) + " " + *table + " " + *chain, *handle, found);
  return success();
}

Result<ForeignBypasses> read_foreign_bypasses() {
  auto socket = netlink::Socket::open(NETLINK_NETFILTER);
  if (!socket) return socket.error();
  ForeignBypasses found;
  Message request = build_message(NFT_MSG_GETRULE, 0, [](nlmsghdr*) {});
  reinterpret_cast<nfgenmsg*>(reinterpret_cast<char*>(request.header()) + NLMSG_HDRLEN)
      ->nfgen_family = NFPROTO_UNSPEC;
  const Status read = socket->dump(
      request.header(), [&found] { found = {}; },
      [&found](MessageView message) -> Status {
        if (!is_of_type(message, NFT_MSG_NEWRULE)) return success();
        return add_foreign_bypass(message, found);
      });
  if (!read) return with_context(read.error(), "list nft rules");
  return found;
}

}  // namespace twobox::nftables
