// Recorded nftables messages, and all of our own, for the tests of the codecs.
#pragma once

#include <doctest/doctest.h>

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "backends/netlink/message.h"
#include "backends/nftables/element_codec.h"
#include "backends/nftables/rule_codec.h"
#include "backends/nftables/set_codec.h"
#include "backends/nftables/table_codec.h"

namespace twobox::nftables_wire {

using Bytes = std::vector<std::byte>;

/// Every message of a file of hexadecimal bytes; lines that start with '#' are comments. The
/// padding between messages is left out.
inline std::vector<Bytes> recorded(const std::string& name) {
  std::ifstream file(std::string(TWOBOX_TESTS_DIR) + "/wire/nftables/" + name);
  REQUIRE_MESSAGE(file.is_open(), name);
  Bytes all;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    for (std::size_t at = 0; at + 1 < line.size(); at += 3)
      all.push_back(static_cast<std::byte>(std::stoul(line.substr(at, 2), nullptr, 16)));
  }
  std::vector<Bytes> messages;
  netlink::MessageView rest = all;
  while (!rest.empty()) {
    const std::size_t length = netlink::header_of(rest).nlmsg_len;
    messages.emplace_back(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(length));
    rest = rest.subspan(netlink::message_aligned(length));
  }
  return messages;
}

inline std::vector<nftables::DecodedSet> recorded_sets() {
  std::vector<nftables::DecodedSet> sets;
  for (const Bytes& message : recorded("sets.hex")) {
    const auto set = nftables::decode_set(message);
    REQUIRE(set.has_value());
    REQUIRE(set->has_value());
    sets.push_back(**set);
  }
  return sets;
}

using Elements = std::map<NftElementKey, NftElementConfig>;

inline Elements recorded_elements(const std::string& name) {
  NftSetConfig config;
  for (const nftables::DecodedSet& set : recorded_sets())
    if (set.key.name == name) config = set.config;
  Elements elements;
  for (const Bytes& message : recorded("elements-" + name + ".hex"))
    REQUIRE(nftables::decode_elements(message, {name}, config, elements).has_value());
  return elements;
}

inline nftables::Rules recorded_rules() {
  nftables::Rules all;
  for (const Bytes& message : recorded("rules.hex")) {
    const auto rule = nftables::decode_rule(message);
    REQUIRE(rule.has_value());
    REQUIRE(rule->has_value());
    nftables::add_rule(**rule, all);
  }
  return all;
}

}  // namespace twobox::nftables_wire
