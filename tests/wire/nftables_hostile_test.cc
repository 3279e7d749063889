// Cut and altered messages: every one is decoded or refused. Run with AddressSanitizer: each lies
// in a block of exactly its size.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>

#include "tests/wire/nftables_support.h"

namespace twobox::nftables_wire {
namespace {

using namespace nftables;

constexpr const char* kFiles[] = {"table.hex",
                                  "chains.hex",
                                  "sets.hex",
                                  "rules.hex",
                                  "generation.hex",
                                  "elements-redirect-ipv4.hex",
                                  "elements-redirect-ipv6.hex",
                                  "elements-peers.hex",
                                  "elements-marks-ipv4.hex",
                                  "elements-extra-timeout.hex",
                                  "elements-extra-catchall.hex",
                                  "elements-extra-counter.hex",
                                  "elements-extra-range.hex"};

struct Refusals {
  int decoded = 0;
  int refused = 0;
  void count(const auto& result) {
    if (result.has_value()) {
      ++decoded;
    } else {
      ++refused;
      REQUIRE(result.error().kind == ErrorKind::kTransport);
      REQUIRE(!result.error().message.empty());
    }
  }
};

/// Hands the message to every decoder, whatever it says it is.
void decode(std::span<const std::byte> bytes, Refusals& refusals) {
  const auto exact = std::make_unique<std::byte[]>(bytes.size());
  std::ranges::copy(bytes, exact.get());
  const netlink::MessageView message(exact.get(), bytes.size());
  refusals.count(decode_table(message));
  refusals.count(decode_chain(message));
  refusals.count(decode_set(message));
  refusals.count(decode_rule(message));
  if (is_of_type(message, 15 /* NFT_MSG_NEWGEN */)) refusals.count(decode_generation(message));
  for (const char* const set : {"redirect-ipv4", "redirect-ipv6", "peers", "marks-ipv4"})
    for (const auto type : {NftSetKeyType::kEndpointIpv4, NftSetKeyType::kEndpointIpv6,
                            NftSetKeyType::kEtherAddress}) {
      Elements elements;
      refusals.count(decode_elements(message, {set}, {type, set[0] == 'm', 0}, elements));
    }
}

void set_length(Bytes& message) {
  const auto length = static_cast<std::uint32_t>(message.size());
  if (message.size() >= sizeof(length)) std::memcpy(message.data(), &length, sizeof(length));
}

TEST_CASE("every prefix of a recorded message is decoded or refused") {
  Refusals refusals;
  for (const char* const file : kFiles)
    for (const Bytes& message : recorded(file))
      for (std::size_t length = 0; length < message.size(); ++length) {
        Bytes prefix(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(length));
        decode(prefix, refusals);
        set_length(prefix);
        decode(prefix, refusals);
      }
  CHECK(refusals.refused > 0);
  MESSAGE("decoded ", refusals.decoded, ", refused ", refusals.refused);
}

TEST_CASE("every byte of a recorded message may be anything") {
  Refusals refusals;
  for (const char* const file : kFiles)
    for (const Bytes& message : recorded(file))
      for (std::size_t at = 0; at < message.size(); ++at)
        for (const int value : {0x00, 0x01, 0x7f, 0xff}) {
          Bytes altered = message;
          altered[at] = static_cast<std::byte>(value);
          decode(altered, refusals);
        }
  CHECK(refusals.refused > 0);
  MESSAGE("decoded ", refusals.decoded, ", refused ", refusals.refused);
}

TEST_CASE("a comment whose length reaches beyond the user data is none") {
  NftRuleConfig config{{NftRedirect{}}, "name: reason"};
  auto message = encode_replace_rule({"chain", "name"}, config, 7);
  REQUIRE(message.has_value());
  auto* const bytes = reinterpret_cast<char*>(message->header());
  const std::string whole(bytes, message->view().size());
  const std::size_t comment = whole.find("name: reason");
  REQUIRE(comment != std::string::npos);
  bytes[comment - 1] = static_cast<char>(0xff);
  const auto rule = decode_rule(message->view());
  REQUIRE(rule.has_value());
  REQUIRE(rule->has_value());
  CHECK((*rule)->config.comment.empty());
}

TEST_CASE("a rule with an expression libnftnl does not know is read as unknown") {
  auto message = encode_replace_rule({"chain", "name"}, {{NftRedirect{}}, "name: reason"}, 7);
  REQUIRE(message.has_value());
  auto* const bytes = reinterpret_cast<char*>(message->header());
  const std::size_t name = std::string(bytes, message->view().size()).find("redir");
  REQUIRE(name != std::string::npos);
  bytes[name] = 'X';
  const auto rule = decode_rule(message->view());
  REQUIRE(rule.has_value());
  REQUIRE(rule->has_value());
  CHECK((*rule)->handle == 7);
  CHECK((*rule)->config == NftRuleConfig{{NftUnknown{"Xedir"}}, "name: reason"});
}

}  // namespace
}  // namespace twobox::nftables_wire
