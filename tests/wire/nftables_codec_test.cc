// What we write, read back by ourselves: decode(encode(x)) == x for every kind of object.
#include <doctest/doctest.h>
#include <linux/netfilter/nf_tables.h>

#include <array>
#include <numeric>

#include "backends/nftables/batch.h"
#include "backends/nftables/registers.h"
#include "tests/wire/nftables_support.h"

namespace twobox::nftables_wire {
namespace {

using namespace nftables;

constexpr std::array<std::uint16_t, 5> kPorts = {0, 1, 80, 0x1234, 65535};
constexpr std::array<Protocol, 3> kProtocols = {Protocol::kTcp, Protocol::kUdp, Protocol::kSctp};

TEST_CASE("a table comes back") {
  for (const std::uint32_t flags : {0U, std::uint32_t{NFT_TABLE_F_DORMANT}}) {
    const auto table = decode_table(encode_new_table({flags}).view());
    REQUIRE(table.has_value());
    CHECK(*table == NftTableConfig{flags});
  }
}

TEST_CASE("chains come back") {
  for (const NftChainConfig& config :
       {NftChainConfig{}, NftChainConfig{"nat", NftHook::kPrerouting, -100, true},
        NftChainConfig{"filter", NftHook::kInput, 0, false},
        NftChainConfig{"filter", NftHook::kForward, 2147483647, true},
        NftChainConfig{"route", NftHook::kOutput, -2147483647 - 1, true},
        NftChainConfig{"nat", NftHook::kPostrouting, 100, false}}) {
    const auto message = encode_new_chain({"some-chain"}, config);
    REQUIRE(message.has_value());
    const auto chain = decode_chain(message->view());
    REQUIRE(chain.has_value());
    REQUIRE(chain->has_value());
    CHECK((*chain)->key == NftChainKey{"some-chain"});
    CHECK((*chain)->config == config);
  }
}

TEST_CASE("sets come back") {
  for (const NftSetKeyType type :
       {NftSetKeyType::kEndpointIpv4, NftSetKeyType::kEndpointIpv6, NftSetKeyType::kEtherAddress})
    for (const bool maps : {false, true}) {
      const NftSetConfig config{type, maps, 0};
      const auto message = encode_new_set({"some-set"}, config, 1);
      REQUIRE(message.has_value());
      const auto set = decode_set(message->view());
      REQUIRE(set.has_value());
      REQUIRE(set->has_value());
      CHECK((*set)->key == NftSetKey{"some-set"});
      CHECK((*set)->config == config);
      CHECK(!(*set)->anonymous);
    }
}

void check_elements(NftSetKeyType type, const std::vector<Element>& elements) {
  const auto message = encode_new_elements("some-set", elements);
  REQUIRE(message.has_value());
  const NftSetConfig config{type, elements.front().config.mark.has_value(), 0};
  Elements want;
  for (const Element& element : elements) want[element.key] = element.config;
  Elements have;
  REQUIRE(decode_elements(message->view(), {"some-set"}, config, have).has_value());
  CHECK(have == want);
}

TEST_CASE("elements come back") {
  const auto family_key = [](const IpAddress& address) {
    return address.family() == AddressFamily::kIpv4 ? NftSetKeyType::kEndpointIpv4
                                                    : NftSetKeyType::kEndpointIpv6;
  };
  for (const char* const text : {"192.0.2.1", "255.255.255.255", "2001:db8::1", "::ffff:1.2.3.4"})
    for (const Protocol protocol : kProtocols)
      for (const std::uint16_t port : kPorts) {
        const IpAddress address = *IpAddress::parse(text);
        const NftElementKey key{"some-set", Endpoint{address, protocol, port}};
        check_elements(family_key(address), {{key, {}}});
        check_elements(family_key(address), {{key, {0xdeadbeef, false}}});
      }
  const NftElementKey mac{"some-set", *MacAddress::parse("02:00:00:00:00:01")};
  check_elements(NftSetKeyType::kEtherAddress, {{mac, {}}});
  check_elements(NftSetKeyType::kEtherAddress, {{mac, {0, false}}});
  const std::vector<Element> counting = {{mac, {std::nullopt, true}}};
  CHECK(!encode_new_elements("some-set", counting));
}

TEST_CASE("as many elements as one message takes come back, of the longest kind") {
  std::vector<Element> elements;
  for (std::size_t at = 0; at < kElementsPerMessage; ++at)
    elements.push_back({{"some-set", Endpoint{*IpAddress::parse("2001:db8::1"), Protocol::kTcp,
                                              static_cast<std::uint16_t>(at)}},
                        {1, false}});
  check_elements(NftSetKeyType::kEndpointIpv6, elements);
}

TEST_CASE("the catch-all and the longest opaque elements fit into a message that deletes them") {
  std::vector<Element> elements = {{{"some-set", OpaqueElement{}}, {}}};
  while (elements.size() < kElementsPerMessage) {
    std::vector<std::uint8_t> bytes(NFT_DATA_VALUE_MAXLEN);
    std::iota(bytes.begin(), bytes.end(), static_cast<std::uint8_t>(elements.size()));
    elements.push_back({{"some-set", OpaqueElement{bytes}}, {}});
  }
  const auto message = encode_delete_elements("some-set", elements);
  REQUIRE(message.has_value());
  CHECK(message->view().size() < 65'536);
  CHECK(!encode_new_elements("some-set", elements));
  elements.push_back({{"some-set", OpaqueElement{std::vector<std::uint8_t>(65)}}, {}});
  CHECK(!encode_delete_elements("some-set", elements));
}

TEST_CASE("an element's padding counts: no packet's key has any but zeros there") {
  std::vector<Element> elements = {
      {{"some-set", Endpoint{*IpAddress::parse("192.0.2.1"), Protocol::kTcp, 80}}, {}}};
  auto message = encode_new_elements("some-set", elements);
  REQUIRE(message.has_value());
  auto* const last = reinterpret_cast<std::uint8_t*>(message->header()) + message->view().size();
  last[-1] = 1;
  Elements have;
  const NftSetConfig config{NftSetKeyType::kEndpointIpv4, false, 0};
  REQUIRE(decode_elements(message->view(), {"some-set"}, config, have).has_value());
  CHECK(have ==
        Elements{{{"some-set", OpaqueElement{{192, 0, 2, 1, 6, 0, 0, 0, 0, 80, 0, 1}}}, {}}});
}

TEST_CASE("rules come back") {
  const AddressFamily v4 = AddressFamily::kIpv4;
  const AddressFamily v6 = AddressFamily::kIpv6;
  const std::vector<std::vector<NftStatement>> rules = {
      {},
      {NftFamilyIs{v4}, NftDestinationInSet{v4, "a"}, NftRedirect{}},
      {NftFamilyIs{v6}, NftDestinationInSet{v6, "b"}, NftRedirect{}},
      {NftFamilyIs{v4}, NftArrivesOverEthernet{}, NftEtherSourceNotInSet{"peers"},
       NftMarkFromMap{v4, "c"}},
      {NftFamilyIs{v6}, NftArrivesOverEthernet{}, NftEtherSourceNotInSet{"peers"},
       NftMarkFromMap{v6, std::string(255, 'm')}, NftCounter{}},
      {NftFamilyIs{v4}, NftDestinationInSet{v4, "a"}, NftOpensTcpConnection{}, NftCounter{},
       NftRedirect{}},
      {NftFamilyIs{v6}, NftEtherSourceInSet{"peers"}, NftHeaderProtocolIs{v6, 6},
       NftSetHeaderProtocol{v6, 254}, NftCounter{}},
      {NftFamilyIs{v4}, NftHeaderProtocolIs{v4, 255}, NftSetHeaderProtocol{v4, 0}},
      {NftHeaderVersionIs{v4}, NftHeaderProtocolIs{v4, 254}, NftSetHeaderProtocol{v4, 6}},
      {NftHeaderVersionIs{v6}, NftHeaderProtocolIs{v6, 253}, NftSetHeaderProtocol{v6, 17}},
      {NftRedirect{}, NftRedirect{}, NftArrivesOverEthernet{}},
      std::vector<NftStatement>(32, NftMarkFromMap{v6, std::string(255, 'm')})};
  for (const auto& statements : rules)
    for (const std::string& comment : {std::string(), std::string(127, 'c')}) {
      const NftRuleConfig config{statements, comment};
      const auto message = encode_replace_rule({"some-chain", "some-rule"}, config, 1ULL << 40U);
      REQUIRE(message.has_value());
      const auto rule = decode_rule(message->view());
      REQUIRE(rule.has_value());
      REQUIRE(rule->has_value());
      CHECK((*rule)->chain == "some-chain");
      CHECK((*rule)->handle == 1ULL << 40U);
      CHECK((*rule)->config == config);
    }
}

TEST_CASE("both numberings of a register are one") {
  for (std::uint32_t word = 0; word < 16; ++word) {
    CHECK(register_from(NFT_REG32_00 + word) == Register{word});
    CHECK(register_from(number_of({word})) == Register{word});
  }
  CHECK(!register_from(NFT_REG_VERDICT));
  CHECK(!register_from(NFT_REG32_15 + 1));
  CHECK(!register_from(NFT_REG_4 + 1));
}

TEST_CASE("an element with extras is deleted and added in one batch, in this order") {
  const NftElementKey mac{"peers", *MacAddress::parse("02:00:00:00:00:01")};
  const NftElementConfig expires{std::nullopt, true};
  const std::vector<Change> changes = {NftElementChange{mac, expires, NftElementConfig{}}};
  const Batch batch = build_batch(changes, {});

  CHECK(batch.may_be_sent());
  REQUIRE(batch.entries.size() == 2);
  CHECK(is_of_type(batch.entries[0].message.view(), NFT_MSG_DELSETELEM));
  CHECK(is_of_type(batch.entries[1].message.view(), NFT_MSG_NEWSETELEM));
}

TEST_CASE("neighbouring elements share messages, and a deleted set's need none") {
  const NftElementConfig plain;
  const auto element = [](const char* set, std::uint16_t port) {
    return NftElementKey{set, Endpoint{*IpAddress::parse("192.0.2.1"), Protocol::kTcp, port}};
  };
  std::vector<Change> changes;
  for (std::uint16_t port = 1; port <= kElementsPerMessage + 1; ++port)
    changes.emplace_back(NftElementChange{element("a", port), std::nullopt, plain});
  changes.emplace_back(NftElementChange{element("b", 1), std::nullopt, plain});
  changes.emplace_back(NftElementChange{element("b", 2), plain, std::nullopt});
  changes.emplace_back(NftElementChange{element("gone", 1), plain, std::nullopt});
  changes.emplace_back(NftSetChange{{"gone"}, NftSetConfig{}, std::nullopt});
  const Batch batch = build_batch(changes, {});

  CHECK(batch.may_be_sent());
  REQUIRE(batch.entries.size() == 5);
  CHECK(batch.entries[0].changes.size() == kElementsPerMessage);
  CHECK(batch.entries[1].changes == std::vector<std::size_t>{kElementsPerMessage});
  CHECK(batch.entries[2].changes == std::vector<std::size_t>{kElementsPerMessage + 1});
  CHECK(batch.entries[3].changes == std::vector<std::size_t>{kElementsPerMessage + 2});
  CHECK(batch.entries[4].changes == std::vector<std::size_t>{kElementsPerMessage + 4});
}

}  // namespace
}  // namespace twobox::nftables_wire
