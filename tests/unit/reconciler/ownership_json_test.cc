#include "reconciler/ownership_json.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <nlohmann/json.hpp>

using namespace twobox;
using nlohmann::json;

namespace {

IpAddress address(const char* text) {
  return *IpAddress::parse(text);
}

StoredRecord with_every_kind() {
  StoredRecord stored{"8d6ae2b5-0c4e-4f0e-8f6b-3f1a5f8f2f44", {}};
  const auto interface = *InterfaceName::parse("enp0s3");
  stored.record.addresses = {{interface, *IpPrefix::parse("192.0.2.1/24")},
                             {interface, *IpPrefix::parse("2001:db8::30/64")}};
  stored.record.ipvs_services = {
      Endpoint{address("192.0.2.1"), Protocol::kTcp, 80},
      Endpoint{address("2001:db8::30"), Protocol::kUdp, 53},
      Endpoint{address("192.0.2.1"), Protocol::kSctp, 65535},
      Endpoint{address("192.0.2.1"), Protocol::kTcp, 0},  // of prune "all": every port
      FirewallMark{AddressFamily::kIpv4, 3},
      FirewallMark{AddressFamily::kIpv6, 0xffffffff},
  };
  stored.record.ipvs_daemons = {{{SyncState::kMaster}, {2}}, {{SyncState::kBackup}, {0xffffffff}}};
  stored.record.sysctls = {
      {{"net.ipv4.ip_forward"}, {"0", "1"}},
      {{"net.ipv4.conf.eth0/100.rp_filter"}, {std::nullopt, "0"}},
      {{"net.ipv4.tcp_rmem"}, {"4096 131072 6291456", "4096 87380 \"\\"}},
  };
  return stored;
}

/// The text of with_every_kind() with the JSON text `value` at the pointer.
std::string with(const std::string& pointer, const std::string& value) {
  json tree = json::parse(ownership_json(with_every_kind()));
  tree[json::json_pointer(pointer)] = json::parse(value);
  return tree.dump();
}

std::string without(const std::string& pointer) {
  json tree = json::parse(ownership_json(with_every_kind()));
  const json::json_pointer place(pointer);
  REQUIRE(tree.contains(place));
  tree[place.parent_pointer()].erase(place.back());
  return tree.dump();
}

void check_refused(const std::string& text) {
  CAPTURE(text);
  const auto read = parse_ownership(text);
  REQUIRE_FALSE(read.has_value());
  CHECK(read.error().kind == ErrorKind::kTransport);
  CHECK(read.error().errno_value == EBADMSG);
}

}  // namespace

TEST_CASE("a record comes back as it was written, whatever is in it") {
  for (const StoredRecord& stored : {StoredRecord{}, StoredRecord{"boot", {}}, with_every_kind()}) {
    const auto read = parse_ownership(ownership_json(stored));
    REQUIRE(read.has_value());
    CHECK(*read == stored);
  }
}

TEST_CASE("a sync daemon's word alone leaves its interface unknown") {
  const auto read = parse_ownership(with("/ipvs_daemons/0", "\"master\""));
  REQUIRE(read.has_value());
  CHECK(read->record.ipvs_daemons.at({SyncState::kMaster}) == SyncDaemonStart{});
}

TEST_CASE("a damaged record is refused: guessing could remove what is not ours") {
  for (const char* text : {"", " ", "{", "null", "[]", "1", "\"text\"", "{}", "{\"format\": 1}",
                           "\xff", "{\"format\": 1, \"boot_id\": \"\xff\"}"})
    check_refused(text);
}

TEST_CASE("every shorter beginning of a record is refused") {
  std::string text = ownership_json(with_every_kind());
  while (text.ends_with('\n')) text.pop_back();
  for (std::size_t size = 0; size < text.size(); ++size) check_refused(text.substr(0, size));
  CHECK(parse_ownership(text).has_value());
}

TEST_CASE("a record of another format is refused") {
  for (const char* format : {"0", "2", "-1", "\"1\"", "null", "[1]"})
    check_refused(with("/format", format));
  check_refused(without("/format"));
}

TEST_CASE("a record that lacks a part is refused") {
  for (const char* pointer :
       {"/boot_id", "/addresses", "/ipvs_services", "/ipvs_daemons", "/sysctls",
        "/addresses/0/interface", "/addresses/0/prefix", "/ipvs_services/0/protocol",
        "/ipvs_services/0/address", "/ipvs_services/0/port", "/ipvs_daemons/0/state",
        "/ipvs_daemons/0/interface_index", "/sysctls/0/name", "/sysctls/0/held"})
    check_refused(without(pointer));
}

TEST_CASE("a record with a part of the wrong type is refused") {
  for (const char* pointer :
       {"/boot_id", "/addresses", "/addresses/0", "/addresses/0/interface", "/addresses/0/prefix",
        "/ipvs_services", "/ipvs_services/0", "/ipvs_services/0/protocol",
        "/ipvs_services/0/address", "/ipvs_services/0/port", "/ipvs_daemons", "/ipvs_daemons/0",
        "/sysctls", "/sysctls/0", "/sysctls/0/name", "/sysctls/0/held", "/sysctls/0/before"})
    for (const char* value : {"null", "true", "-1", "1.5", "{}", "[[]]"})
      check_refused(with(pointer, value));
}

TEST_CASE("a record with a value that no kernel object has is refused") {
  check_refused(with("/addresses/0/interface", "\"sixteen-bytes-xx\""));
  check_refused(with("/addresses/0/interface", "\"\""));
  check_refused(with("/addresses/0/prefix", "\"192.0.2.1/33\""));
  check_refused(with("/ipvs_services/0/protocol", "\"icmp\""));
  check_refused(with("/ipvs_services/0/address", "\"192.0.2.256\""));
  check_refused(with("/ipvs_services/0/port", "65536"));
  check_refused(with("/ipvs_services/0", R"({"fwmark": 4294967296, "family": 4})"));
  check_refused(with("/ipvs_services/0", R"({"fwmark": 3, "family": 5})"));
  check_refused(with("/ipvs_services/0", R"({"fwmark": 3})"));
  check_refused(with("/ipvs_daemons/0", "\"both\""));
  check_refused(with("/ipvs_daemons/0/state", "\"both\""));
  check_refused(with("/ipvs_daemons/0/interface_index", "4294967296"));
}

TEST_CASE("a record nested without end is refused, not followed") {
  const std::string deep(100'000, '[');
  check_refused(deep);
  check_refused(R"({"format": )" + deep + std::string(deep.size(), ']') + "}");
  check_refused(R"({"format": 1, "boot_id": "b", "addresses": )" + deep +
                std::string(deep.size(), ']') + "}");
}
