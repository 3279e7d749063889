// What the address, sysctl, announce and events tests share: a pair of interfaces, made and changed
// by the `ip` tool, which is the independent oracle.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <map>
#include <optional>
#include <string>

#include "backends/address/backend.h"
#include "backends/address/settings.h"
#include "reconciler/objects.h"

namespace twobox::address_test {

inline void run(const std::string& command) {
  CAPTURE(command);
  REQUIRE(std::system(command.c_str()) == 0);
}
inline bool succeeds(const std::string& command) {
  return std::system(("exec >/dev/null 2>&1; " + command).c_str()) == 0;
}

inline InterfaceName interface(const std::string& text) {
  return *InterfaceName::parse(text);
}
inline IpAddress ip(const char* text) {
  return *IpAddress::parse(text);
}
inline AddressKey key(const char* on, const char* prefix) {
  return {interface(on), *IpPrefix::parse(prefix)};
}

inline constexpr char kWireMac[] = "08:00:27:77:84:ef";

/// "wire" and its other end "peer", both up, without IPv6 addresses of their own making.
class VethPair {
 public:
  VethPair() {
    run(std::string("ip link add wire address ") + kWireMac + " type veth peer name peer");
    run("ip link set wire addrgenmode none up && ip link set peer addrgenmode none up");
    // The carrier comes up in a kernel thread, which then tells every listener. The last command
    // takes the lock it holds meanwhile, so when that returns nothing more is to come.
    run("for i in $(seq 200); do [ $(ip -br link show up | grep -cE '^(wire|peer)@.* UP ') = 2 ] "
        "&& exec ip link set wire up; sleep 0.05; done; exit 1");
  }
  VethPair(const VethPair&) = delete;
  VethPair& operator=(const VethPair&) = delete;
  ~VethPair() { static_cast<void>(std::system("ip link delete wire 2>/dev/null")); }
};

struct Observed {
  KernelState kernel;
  std::map<InterfaceName, Link> links;
  SettingsByInterface settings;

  std::optional<AddressConfig> at(const AddressKey& wanted) const {
    const auto found = kernel.addresses.find(wanted);
    if (found == kernel.addresses.end()) return std::nullopt;
    return found->second;
  }
};

inline Observed observe(AddressBackend& backend) {
  Observed observed;
  const Status status = backend.observe(observed.kernel, observed.links, observed.settings);
  REQUIRE_MESSAGE(status.has_value(), status.error().message);
  return observed;
}

inline constexpr AddressConfig kStays{};

inline AddressChange create(const AddressKey& key, const AddressConfig& config = kStays) {
  return {key, std::nullopt, config};
}
inline AddressChange destroy(const AddressKey& key) {
  return {key, kStays, std::nullopt};
}

/// A pair of interfaces and the backend that works on them.
struct Kernel {
  VethPair veth;
  AddressBackend backend = *AddressBackend::open();

  Status apply(const AddressChange& change) {
    const Change changes[] = {change};
    return backend.apply(changes).at(0);
  }
  void must(const AddressChange& change) {
    const Status status = apply(change);
    REQUIRE_MESSAGE(status.has_value(), status.error().message);
  }
  std::optional<AddressConfig> at(const AddressKey& wanted) { return observe(backend).at(wanted); }
};

/// True if `ip address` shows these words.
inline bool listed(const std::string& on, const std::string& words) {
  return succeeds("ip -o address show dev " + on + " | grep -qF '" + words + "'");
}

}  // namespace twobox::address_test
