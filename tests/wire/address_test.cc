#include <doctest/doctest.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "backends/address/codec.h"
#include "backends/netlink/message.h"

namespace twobox {
namespace {

using address::AddressRecord;
using address::IfPresent;
using address::LinkRecord;
using netlink::MessageView;

using Bytes = std::vector<std::byte>;

// Every message of a recorded dump: lines of hex, comments start with '#'.
std::vector<Bytes> recorded(const std::string& name) {
  std::ifstream file(std::string(TWOBOX_TESTS_DIR) + "/wire/address/" + name);
  Bytes all;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    for (std::size_t at = 0; at + 1 < line.size(); at += 3)
      all.push_back(static_cast<std::byte>(std::stoul(line.substr(at, 2), nullptr, 16)));
  }
  std::vector<Bytes> messages;
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t length = netlink::header_of(MessageView(all).subspan(at)).nlmsg_len;
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(at);
    messages.emplace_back(first, first + static_cast<std::ptrdiff_t>(length));
    at += NLMSG_ALIGN(length);
  }
  return messages;
}

// The oldest kernel we run on and a recent one; the same scene, so the same objects.
constexpr const char* kKernels[] = {"6.1", "6.18"};

InterfaceName name(std::string_view text) {
  return *InterfaceName::parse(text);
}
IpPrefix prefix(std::string_view text) {
  return *IpPrefix::parse(text);
}
IpAddress ip(std::string_view text) {
  return *IpAddress::parse(text);
}

std::map<InterfaceName, LinkRecord> recorded_links(const std::string& kernel) {
  std::map<InterfaceName, LinkRecord> links;
  for (const Bytes& message : recorded("links-" + kernel + ".hex")) {
    const auto link = address::decode_link(message);
    REQUIRE(link.has_value());
    REQUIRE(link->has_value());
    links.emplace((*link)->name, **link);
  }
  return links;
}

TEST_CASE("address: links are read with name, index, Ethernet address and state") {
  const auto mac = [](const char* text) { return *MacAddress::parse(text); };
  struct Row {
    std::string name;
    Link want;
  };
  const Row rows[] = {
      {"lo", {1, std::nullopt, true}},
      {"tun0", {2, std::nullopt, false}},  // has no hardware address at all
      {"wire0", {10, mac("08:00:27:77:84:ef"), true}},
      {"wire1", {11, mac("08:00:27:e1:3c:c5"), false}},
      {"wire0.100", {12, mac("02:00:00:00:01:00"), false}},
  };
  for (const std::string kernel : kKernels) {
    CAPTURE(kernel);
    const auto links = recorded_links(kernel);
    CHECK(links.size() == std::size(rows));
    for (const Row& row : rows) {
      CAPTURE(row.name);
      REQUIRE(links.contains(name(row.name)));
      CHECK(links.at(name(row.name)).link == row.want);
    }
  }
}

TEST_CASE("address: interface settings are found by sysctl name") {
  struct Row {
    std::string sysctl;
    std::optional<std::string> want;
  };
  const Row rows[] = {
      {"net.ipv4.conf.wire0.arp_ignore", "1"},
      {"net.ipv4.conf.wire0.arp_announce", "2"},
      {"net.ipv4.conf.wire1.arp_ignore", "0"},
      {"net.ipv4.conf.wire0/100.arp_ignore", "0"},
      {"net.ipv6.conf.wire0.accept_dad", "0"},
      {"net.ipv6.conf.wire1.accept_dad", "1"},
      {"net.ipv6.conf.wire0.hop_limit", "64"},
      // The file must be asked:
      {"net.ipv4.conf.all.arp_ignore", std::nullopt},
      {"net.ipv4.conf.default.arp_ignore", std::nullopt},
      {"net.ipv4.conf.absent.arp_ignore", std::nullopt},
      {"net.ipv4.conf.wire0.unheard_of", std::nullopt},
      {"net.ipv4.conf.wire0.100.arp_ignore", std::nullopt},
      {"net.ipv6.conf.wire0.router_solicitation_delay", std::nullopt},
      {"net.ipv4.conf.wire0", std::nullopt},
      {"net.ipv4.conf.", std::nullopt},
      {"net.ipv4.ip_forward", std::nullopt},
      {"", std::nullopt},
  };
  for (const std::string kernel : kKernels) {
    CAPTURE(kernel);
    SettingsByInterface settings;
    for (const auto& [key, record] : recorded_links(kernel)) settings.emplace(key, record.settings);
    for (const Row& row : rows) {
      CAPTURE(row.sysctl);
      CHECK(find_setting(settings, SysctlKey{row.sysctl}) == row.want);
    }
  }
}

TEST_CASE("address: addresses are read with prefix, peer and how long they stay") {
  const AddressConfig stays{true, true, false};
  const AddressConfig never_source{true, false, false};
  const AddressConfig expires{false, true, false};
  const AddressRecord want[] = {
      {1, prefix("127.0.0.1/8"), ip("127.0.0.1"), stays, false},
      {1, prefix("172.16.0.30/32"), ip("172.16.0.30"), stays, false},
      {10, prefix("172.16.0.31/24"), ip("172.16.0.31"), stays, false},
      {10, prefix("198.51.100.1/30"), ip("198.51.100.2"), stays, false},
      {10, prefix("203.0.113.7/32"), ip("203.0.113.7"), expires, false},
      {10, prefix("203.0.113.8/32"), ip("203.0.113.8"), never_source, false},
      {10, prefix("172.16.0.30/24"), ip("172.16.0.30"), stays, true},
      {1, prefix("2001:db8::30/128"), ip("2001:db8::30"), never_source, false},
      {1, prefix("::1/128"), ip("::1"), stays, false},
      {10, prefix("2001:db8:1::1/128"), ip("2001:db8:1::2"), stays, false},
      {10, prefix("2001:db8::31/64"), ip("2001:db8::31"), stays, false},
  };
  for (const std::string kernel : kKernels) {
    CAPTURE(kernel);
    std::vector<AddressRecord> got;
    for (const Bytes& message : recorded("addresses-" + kernel + ".hex")) {
      const auto record = address::decode_address(message);
      REQUIRE(record.has_value());
      REQUIRE(record->has_value());
      got.push_back(**record);
    }
    CHECK(got.size() == std::size(want));
    for (const AddressRecord& record : want) {
      CAPTURE(record.prefix.to_string());
      CHECK(std::ranges::find(got, record) != got.end());
    }
  }
}

TEST_CASE("address: what is written is read back") {
  struct Row {
    std::string interface;
    std::string prefix;
    bool preferred;
  };
  const Row rows[] = {
      {"wire0", "172.16.0.30/32", true}, {"lo", "172.16.0.30/32", true},
      {"wire0", "172.16.0.30/24", true}, {"wire0", "172.16.0.30/0", false},
      {"lo", "2001:db8::30/128", false}, {"wire0", "2001:db8::30/64", true},
  };
  for (const Row& row : rows) {
    CAPTURE(row.prefix);
    const AddressKey key{name(row.interface), prefix(row.prefix)};
    const AddressConfig config{true, row.preferred, false};
    const auto message = address::encode_add_address(key, config, 10, IfPresent::kFail);
    const auto record = address::decode_address(netlink::bytes_of(nlmsg_hdr(message.get())));
    REQUIRE(record.has_value());
    REQUIRE(record->has_value());
    CHECK(**record == AddressRecord{10, key.prefix, key.prefix.address(), config, false});
  }
}

TEST_CASE("address: scope, flags and message flags are those of `ip address add`") {
  struct Row {
    std::string interface;
    std::string prefix;
    IfPresent if_present;
    std::uint8_t scope;
    std::uint16_t message_flags;
  };
  const Row rows[] = {
      {"lo", "192.0.2.1", IfPresent::kFail, RT_SCOPE_HOST, NLM_F_CREATE | NLM_F_EXCL},
      {"wire0", "192.0.2.1", IfPresent::kReplace, RT_SCOPE_UNIVERSE, NLM_F_CREATE | NLM_F_REPLACE},
      {"lo", "2001:db8::1", IfPresent::kFail, RT_SCOPE_UNIVERSE, NLM_F_CREATE | NLM_F_EXCL},
  };
  for (const Row& row : rows) {
    CAPTURE(row.prefix);
    const AddressKey key{name(row.interface), prefix(row.prefix)};
    const auto message = address::encode_add_address(key, {}, 1, row.if_present);
    const nlmsghdr* const header = nlmsg_hdr(message.get());
    ifaddrmsg body;
    std::memcpy(&body, nlmsg_data(header), sizeof(body));
    CHECK(header->nlmsg_type == RTM_NEWADDR);
    CHECK(header->nlmsg_flags == (NLM_F_REQUEST | row.message_flags));
    CHECK(body.ifa_scope == row.scope);
  }
}

TEST_CASE("address: a full prefix length that does not exist is refused, not used") {
  Bytes message = recorded("addresses-6.18.hex").front();
  message[NLMSG_HDRLEN + offsetof(ifaddrmsg, ifa_prefixlen)] = std::byte{33};
  const auto record = address::decode_address(message);
  REQUIRE_FALSE(record.has_value());
  CHECK(record.error().kind == ErrorKind::kTransport);
}

TEST_CASE("address: other families' addresses are passed over") {
  Bytes message = recorded("addresses-6.18.hex").front();
  message[NLMSG_HDRLEN + offsetof(ifaddrmsg, ifa_family)] = std::byte{AF_MCTP};
  const auto record = address::decode_address(message);
  REQUIRE(record.has_value());
  CHECK_FALSE(record->has_value());
}

// Under AddressSanitizer, reading one byte too far ends the test.
void decode_everywhere(const Bytes& bytes) {
  static_cast<void>(address::decode_link(bytes));
  static_cast<void>(address::decode_address(bytes));
}

TEST_CASE("address: cut and damaged messages are refused or read, never overrun") {
  for (const char* const file :
       {"links-6.1.hex", "links-6.18.hex", "addresses-6.1.hex", "addresses-6.18.hex"}) {
    for (const Bytes& whole : recorded(file)) {
      for (std::size_t length = NLMSG_HDRLEN; length < whole.size(); ++length) {
        Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
        decode_everywhere(cut);
        const auto honest = static_cast<std::uint32_t>(length);
        std::memcpy(cut.data(), &honest, sizeof(honest));
        decode_everywhere(cut);
      }
      for (std::size_t at = NLMSG_HDRLEN; at < whole.size(); ++at) {
        Bytes damaged = whole;
        damaged[at] = std::byte{0xff};
        decode_everywhere(damaged);
        damaged[at] = std::byte{0};
        decode_everywhere(damaged);
      }
    }
  }
}

TEST_CASE("address: which addresses fall with a subnet's primary one") {
  const AddressRecord primary{10, prefix("172.16.0.30/23"), ip("172.16.0.30"), {}, false};
  struct Row {
    AddressRecord other;
    bool falls;
  };
  const Row rows[] = {
      {{10, prefix("172.16.1.31/23"), ip("172.16.1.31"), {}, true}, true},
      {{10, prefix("172.16.1.31/23"), ip("172.16.1.31"), {}, false}, false},  // primary itself
      {{11, prefix("172.16.1.31/23"), ip("172.16.1.31"), {}, true}, false},   // elsewhere
      {{10, prefix("172.16.1.31/24"), ip("172.16.1.31"), {}, true}, false},   // other length
      {{10, prefix("172.16.2.31/23"), ip("172.16.2.31"), {}, true}, false},   // other network
      {{10, prefix("2001:db8::1/23"), ip("2001:db8::1"), {}, true}, false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.other.prefix.to_string());
    CHECK(falls_with(row.other, primary) == row.falls);
  }
}

}  // namespace
}  // namespace twobox
