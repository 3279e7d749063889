// What systemd, networkd, NetworkManager, nftables.service and keepalived are told to do, by their
// files. `root` goes before every path; it is "" but in tests.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reconciler/doctor_facts.h"
#include "schema/error.h"

namespace twobox {

/// What takes foreign addresses from the interface of this index. networkd does when it configures
/// a link, unless KeepConfiguration keeps static addresses (networkd-link.c,
/// link_drop_foreign_config()), never on lo; what it configures by which files is in
/// /run/systemd/netif/links. NetworkManager does when a connection is activated or applied again;
/// /run/NetworkManager/devices has those (nm-config.c, nm_config_device_state_write()).
/// Error: kUnavailable if a file is there and can't be read.
Result<std::optional<AddressKeeper>> address_keeper(const std::string& root, std::uint32_t index);

/// Enabled: a unit's .wants below /etc or /run has it. Error: kUnavailable.
Result<NftablesService> nftables_service(const std::string& root);

/// The lines of /etc/keepalived/*.conf. Error: kUnavailable.
Result<std::vector<ConfigLine>> keepalived_lines(const std::string& root);

}  // namespace twobox
