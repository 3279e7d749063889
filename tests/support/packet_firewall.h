// What the nftables objects of one machine make of a packet: the packet model's firewall.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "schema/ip_protocol.h"
#include "tests/support/packet_model.h"

namespace twobox::testing {

struct Packet {
  Endpoint destination;
  MacAddress source;
  std::uint32_t mark = 0;
  std::uint8_t protocol_number = 0;  // as its IP header has it
};

inline bool is_hidden(const Packet& packet) {
  return packet.protocol_number != ip_protocol(packet.destination.protocol);
}

/// What happens to a packet on one machine, in words.
class Notes {
 public:
  void add(const std::string& note) { text_ += (text_.empty() ? "" : ", ") + note; }
  std::string on(const Station& machine) const {
    return machine.name + (text_.empty() ? "" : " [" + text_ + "]");
  }

 private:
  std::string text_;
};

/// Which of a hook's chains: IPVS stands between those of LOCAL_IN.
enum class Side { kBeforeIpvs, kBehindIpvs };

/// The chains of one hook, rule by rule. Rules of a chain are taken by name: the kernel's order is
/// that of their making, and nothing may depend on it.
class Firewall {
 public:
  Firewall(const Station& machine, Packet& packet, Notes& notes)
      : machine_(machine), kernel_(machine.kernel), packet_(packet), notes_(notes) {}

  /// Returns why the packet was dropped; nothing if it goes on.
  std::optional<std::string> run(NftHook hook, Side side = Side::kBeforeIpvs);

  // What a statement says to the packet; false ends the rule.
  bool operator()(const NftFamilyIs& statement) const { return is_of(statement.family); }
  bool operator()(const NftHeaderVersionIs& statement) const { return is_of(statement.family); }
  bool operator()(const NftArrivesOverEthernet&) const { return true; }
  bool operator()(const NftDestinationInSet& statement) const {
    return is_of(statement.family) && destination_in(statement.set) != nullptr;
  }
  bool operator()(const NftOpensTcpConnection&) const {
    return packet_.destination.protocol == Protocol::kTcp;  // it is always the first packet
  }
  bool operator()(const NftHeaderProtocolIs& statement) const {
    return is_of(statement.family) && packet_.protocol_number == statement.number;
  }
  bool operator()(const NftSetHeaderProtocol& statement) {
    packet_.protocol_number = statement.number;
    return true;
  }
  bool operator()(const NftCounter&) const { return true; }
  bool operator()(const NftEtherSourceInSet& statement) const {
    return element(statement.set, packet_.source) != nullptr;
  }
  bool operator()(const NftEtherSourceNotInSet& statement) const {
    return element(statement.set, packet_.source) == nullptr;
  }
  bool operator()(const NftMarkFromMap& statement);
  bool operator()(const NftRedirect&);
  bool operator()(const NftUnknown& statement) {
    drop_ = "a rule that this model can't read (" + statement.text + ")";
    return false;
  }

 private:
  std::vector<std::pair<std::int32_t, std::string>> chains_of(NftHook hook, Side side) const;

  void run_rules(const std::string& chain);

  bool is_of(AddressFamily family) const { return packet_.destination.address.family() == family; }

  template <typename Value>
  const NftElementConfig* element(const std::string& set, const Value& value) const {
    const auto found = kernel_.nft_elements.find(NftElementKey{set, value});
    return found == kernel_.nft_elements.end() ? nullptr : &found->second;
  }

  const NftElementConfig* destination_in(const std::string& set) const {
    return is_hidden(packet_) ? nullptr : element(set, packet_.destination);
  }

  const Station& machine_;
  const KernelState& kernel_;
  Packet& packet_;
  Notes& notes_;
  std::optional<std::string> drop_;
  bool is_accepted_ = false;  // by the chain that runs; the hook's next chain runs all the same
};

}  // namespace twobox::testing
