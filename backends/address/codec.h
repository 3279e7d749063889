// rtnetlink bytes <-> links and addresses. Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "backends/address/settings.h"
#include "backends/netlink/handles.h"
#include "backends/netlink/socket.h"
#include "reconciler/backend.h"
#include "reconciler/objects.h"
#include "schema/error.h"

namespace twobox::address {

struct LinkRecord {
  InterfaceName name;
  Link link;
  InterfaceSettings settings;
  friend bool operator==(const LinkRecord&, const LinkRecord&) = default;
};

/// Reads RTM_NEWLINK. nullopt: an interface whose name no document can hold.
/// Error: kTransport if the message is malformed.
Result<std::optional<LinkRecord>> decode_link(netlink::MessageView message);

struct AddressRecord {
  std::uint32_t interface_index = 0;
  IpPrefix prefix;  // the machine's own address, with the length of the prefix
  IpAddress peer;   // the address the prefix belongs to; not our own only on point-to-point links
  AddressConfig config;
  bool secondary = false;  // IPv4: the kernel deletes it with its subnet's primary address
  friend bool operator==(const AddressRecord&, const AddressRecord&) = default;
};

/// Reads RTM_NEWADDR. nullopt: neither IPv4 nor IPv6. Error: kTransport if malformed.
Result<std::optional<AddressRecord>> decode_address(netlink::MessageView message);

/// Every link of the namespace (send as a dump).
netlink::MessageHandle encode_list_links();
/// One link; the kernel answers ENODEV if there is none of that name.
netlink::MessageHandle encode_find_link(const InterfaceName& name);
/// Every address of both families (send as a dump).
netlink::MessageHandle encode_list_addresses();

enum class IfPresent { kFail, kReplace };

/// Adds an address that stays for ever; `config` says only whether it is preferred.
netlink::MessageHandle encode_add_address(const AddressKey& key, const AddressConfig& config,
                                          std::uint32_t interface_index, IfPresent if_present);
netlink::MessageHandle encode_delete_address(const AddressRecord& address);

/// True if deleting `primary` deletes `other` too, unless net.ipv4.conf.*.promote_secondaries is
/// on. Source: net/ipv4/devinet.c, __inet_del_ifa().
bool falls_with(const AddressRecord& other, const AddressRecord& primary);

}  // namespace twobox::address
