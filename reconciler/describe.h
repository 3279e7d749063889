// Kernel objects and changes in words: the names used in reports, logs and error messages.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "reconciler/fields.h"
#include "reconciler/objects.h"
#include "reconciler/resolve.h"

namespace twobox {

enum class Action : std::uint8_t { kCreate, kUpdate, kDelete };
std::string_view to_string(Action action);
Action action_of(const Change& change);

std::string key_text(const AddressKey& key);       // "enp0s3 172.16.0.30/32"
std::string key_text(const IpvsServiceKey& key);   // "tcp 172.16.0.30:80", "fwmark 3 ipv4"
std::string key_text(const RealServerKey& key);    // "tcp 172.16.0.30:80 -> 172.16.0.31:80"
std::string key_text(const SyncDaemonKey& key);    // "master"
std::string key_text(const IpvsTimeoutsKey& key);  // "timeouts"
std::string key_text(const NftTableKey& key);      // "inet twobox"
std::string key_text(const NftChainKey& key);      // "inet twobox CHAIN"
std::string key_text(const NftSetKey& key);        // "inet twobox SET"
std::string key_text(const NftElementKey& key);    // "inet twobox SET 172.16.0.30 . tcp . 80"
std::string key_text(const NftRuleKey& key);       // "inet twobox CHAIN NAME"
std::string key_text(const SysctlKey& key);        // "net.ipv4.ip_forward"

/// A change with its kind forgotten.
struct Description {
  Action action;
  std::string_view kind;  // the contract's word: "ipvs_service"
  std::string key;
  std::optional<Fields> before;
  std::optional<Fields> after;
};
Description describe(const Change& change);

/// "ipvs_service tcp 172.16.0.30:80"; the same object has the same name in every pass.
std::string object_name(const Change& change);

Subsystem subsystem_of(const Change& change);

/// Why the change is wanted, in words of the document.
std::string reason_of(const Change& change, const DesiredState& desired);

}  // namespace twobox
