#include "schema/net.h"

#include <doctest/doctest.h>

#include <optional>
#include <vector>

using namespace std::string_view_literals;
using twobox::AddressFamily;
using twobox::endpoint_text;
using twobox::ErrorKind;
using twobox::InterfaceName;
using twobox::IpAddress;
using twobox::IpPrefix;
using twobox::MacAddress;
using twobox::Port;
using twobox::Protocol;

namespace {

/// A text, and what its value is written as; nullopt when it is refused.
struct Row {
  std::string_view text;
  std::optional<std::string_view> want;
};

template <typename Type>
void check_row(const Row& row) {
  CAPTURE(row.text);
  const auto parsed = Type::parse(row.text);
  REQUIRE(parsed.has_value() == row.want.has_value());
  if (row.want) {
    CHECK(parsed->to_string() == *row.want);
    CHECK(Type::parse(parsed->to_string()).value() == *parsed);
  } else {
    CHECK(parsed.error().kind == ErrorKind::kInvalidDocument);
    CHECK(parsed.error().message.find("is not") != std::string::npos);
  }
}

IpAddress address(std::string_view text) {
  return IpAddress::parse(text).value();
}

}  // namespace

TEST_CASE("IpAddress::parse takes dotted quads and nothing near them") {
  const Row rows[] = {
      {"172.16.0.31", "172.16.0.31"},
      {"0.0.0.0", "0.0.0.0"},
      {"255.255.255.255", "255.255.255.255"},
      {"256.0.0.1", std::nullopt},
      {"1.2.3", std::nullopt},
      {"1.2.3.4.5", std::nullopt},
      {"01.2.3.4", std::nullopt},
      {"1.2.3.4 ", std::nullopt},
      {" 1.2.3.4", std::nullopt},
      {"1.2.3.4\n", std::nullopt},
      {"1.2.3.4\0"sv, std::nullopt},
      {"1.2.3.4\0x"sv, std::nullopt},
      {"0x1.2.3.4", std::nullopt},
      {"16909060", std::nullopt},
      {"", std::nullopt},
      {"localhost", std::nullopt},
      {"1.2.3.4/32", std::nullopt},
  };
  for (const Row& row : rows) check_row<IpAddress>(row);
}

TEST_CASE("IpAddress::parse takes RFC 4291 texts and writes RFC 5952") {
  const Row rows[] = {
      {"::", "::"},
      {"::1", "::1"},
      {"2001:DB8:0:0:0:0:0:31", "2001:db8::31"},
      {"2001:db8:0:1:0:0:0:1", "2001:db8:0:1::1"},
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
      {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
      {"::ffff:1.2.3.4", "::ffff:1.2.3.4"},
      {"::ffff:102:304", "::ffff:1.2.3.4"},
      {"0001::", "1::"},
      {"00001::", std::nullopt},
      {"1::2::3", std::nullopt},
      {"1:2:3:4:5:6:7", std::nullopt},
      {"1:2:3:4:5:6:7:8:9", std::nullopt},
      {"1:2:3:4:5:6:7:8::", std::nullopt},
      {":1", std::nullopt},
      {"1:", std::nullopt},
      {":::", std::nullopt},
      {"g::", std::nullopt},
      {"fe80::1%eth0", std::nullopt},
      {"[::1]", std::nullopt},
      {"1:2:3:4:5:6:7:1.2.3.4", std::nullopt},
      {"::1.2.3.04", std::nullopt},
  };
  for (const Row& row : rows) check_row<IpAddress>(row);
}

TEST_CASE("the two families never compare equal") {
  CHECK(address("1.2.3.4").family() == AddressFamily::kIpv4);
  CHECK(address("::1.2.3.4").family() == AddressFamily::kIpv6);
  CHECK(address("0.0.0.0") != address("::"));
  CHECK(address("1.2.3.4") != address("::ffff:1.2.3.4"));
  CHECK(address("1.2.3.4") == address("1.2.3.4"));
  CHECK(address("1.2.3.4") < address("1.2.3.5"));
}

TEST_CASE("an address keeps its bytes in network order") {
  const IpAddress four = address("1.2.3.4");
  const auto bytes = four.bytes();
  CHECK(std::vector<int>(bytes.begin(), bytes.end()) == std::vector<int>{1, 2, 3, 4});
  CHECK(address("2001:db8::31").bytes().size() == 16);
  CHECK(address("2001:db8::31").bytes()[15] == 0x31);
  CHECK(IpAddress::from_ipv4(std::array<std::uint8_t, 4>{1, 2, 3, 4}) == address("1.2.3.4"));
  CHECK(IpAddress::from_ipv6(std::array<std::uint8_t, 16>{0x20, 0x01}) == address("2001::"));
}

TEST_CASE("kinds of addresses") {
  struct Kinds {
    std::string_view text;
    bool unspecified, multicast, loopback;
  };
  const Kinds rows[] = {
      {"0.0.0.0", true, false, false},
      {"::", true, false, false},
      {"0.0.0.1", false, false, false},
      {"223.255.255.255", false, false, false},
      {"224.0.0.0", false, true, false},
      {"239.255.255.255", false, true, false},
      {"240.0.0.0", false, false, false},
      {"ff02::1", false, true, false},
      {"feff::1", false, false, false},
      {"127.0.0.1", false, false, true},
      {"127.255.255.255", false, false, true},
      {"128.0.0.1", false, false, false},
      {"::1", false, false, true},
      {"::2", false, false, false},
      {"2001:db8::1", false, false, false},
      {"::ffff:127.0.0.1", false, false, false},
      {"::ffff:224.0.0.1", false, false, false},
  };
  for (const Kinds& row : rows) {
    CAPTURE(row.text);
    CHECK(address(row.text).is_unspecified() == row.unspecified);
    CHECK(address(row.text).is_multicast() == row.multicast);
    CHECK(address(row.text).is_loopback() == row.loopback);
  }
}

TEST_CASE("endpoints have brackets around IPv6") {
  CHECK(endpoint_text(address("192.0.2.7"), 80) == "192.0.2.7:80");
  CHECK(endpoint_text(address("2001:db8::7"), 65535) == "[2001:db8::7]:65535");
}

TEST_CASE("IpPrefix::parse takes an address with or without a length") {
  const Row rows[] = {
      {"172.16.0.30", "172.16.0.30/32"},
      {"172.16.0.30/24", "172.16.0.30/24"},
      {"172.16.0.30/0", "172.16.0.30/0"},
      {"172.16.0.30/32", "172.16.0.30/32"},
      {"172.16.0.30/33", std::nullopt},
      {"172.16.0.30/", std::nullopt},
      {"172.16.0.30/024", std::nullopt},
      {"172.16.0.30/+24", std::nullopt},
      {"172.16.0.30/-1", std::nullopt},
      {"172.16.0.30/24 ", std::nullopt},
      {"172.16.0.30/24/24", std::nullopt},
      {"172.16.0.30/4294967320", std::nullopt},
      {"172.16.0.30/255.255.255.0", std::nullopt},
      {"2001:db8::30", "2001:db8::30/128"},
      {"2001:DB8::30/64", "2001:db8::30/64"},
      {"2001:db8::30/129", std::nullopt},
      {"/24", std::nullopt},
      {"", std::nullopt},
  };
  for (const Row& row : rows) check_row<IpPrefix>(row);
  CHECK(IpPrefix::host(address("::1")).length() == 128);
  CHECK(IpPrefix(address("10.0.0.1"), 8).address() == address("10.0.0.1"));
}

TEST_CASE("MacAddress::parse takes the hardware address of one machine") {
  const Row rows[] = {
      {"08:00:27:77:84:ef", "08:00:27:77:84:ef"}, {"08-00-27-77-84-EF", "08:00:27:77:84:ef"},
      {"fe:ff:ff:ff:ff:ff", "fe:ff:ff:ff:ff:ff"}, {"00:00:00:00:00:01", "00:00:00:00:00:01"},
      {"00:00:00:00:00:00", std::nullopt},        {"01:00:00:00:00:00", std::nullopt},
      {"ff:ff:ff:ff:ff:ff", std::nullopt},        {"08:00-27:77:84:ef", std::nullopt},
      {"08:00:27:77:84", std::nullopt},           {"08:00:27:77:84:ef:00", std::nullopt},
      {"8:0:27:77:84:ef", std::nullopt},          {"08:00:27:77:84:eg", std::nullopt},
      {"08:00:27:77:84:-1", std::nullopt},        {"08:00:27:77:84:+1", std::nullopt},
      {"0800.2777.84ef", std::nullopt},           {"", std::nullopt},
  };
  for (const Row& row : rows) check_row<MacAddress>(row);
  const std::array<std::uint8_t, 6> bytes{8, 0, 0x27, 0x77, 0x84, 0xef};
  CHECK(MacAddress::from_bytes(bytes) == MacAddress::parse("08:00:27:77:84:EF").value());
  CHECK(MacAddress::from_bytes(bytes).bytes() == bytes);
}

TEST_CASE("Port::from_number takes 1 to 65535 and nothing else") {
  for (const std::uint64_t good : {1U, 80U, 65535U})
    CHECK(Port::from_number(good).value().host_order() == good);
  for (const std::uint64_t bad : {std::uint64_t{0}, std::uint64_t{65536}, std::uint64_t{65616},
                                  std::uint64_t{1} << 32, ~std::uint64_t{0}})
    CHECK(Port::from_number(bad).error().kind == ErrorKind::kInvalidDocument);
}

TEST_CASE("InterfaceName::parse takes what the kernel takes") {
  for (const std::string_view good :
       {"lo", "enp0s3", "eth0.100", "a", "aaaaaaaaaaaaaaa", "br+0", "a@b", "...", "ü"}) {
    CAPTURE(good);
    REQUIRE(InterfaceName::parse(good).has_value());
    CHECK(InterfaceName::parse(good)->str() == good);
  }
  for (const std::string_view bad : {""sv, "."sv, ".."sv, "aaaaaaaaaaaaaaaa"sv, "a/b"sv, "a:b"sv,
                                     "a b"sv, "a\tb"sv, "a\n"sv, "a\0"sv, "à"sv}) {
    CAPTURE(bad);
    CHECK(InterfaceName::parse(bad).error().kind == ErrorKind::kInvalidDocument);
  }
  CHECK(twobox::loopback().str() == "lo");
}

TEST_CASE("protocols have names") {
  CHECK(to_string(Protocol::kTcp) == "tcp");
  CHECK(to_string(Protocol::kUdp) == "udp");
  CHECK(to_string(Protocol::kSctp) == "sctp");
}
